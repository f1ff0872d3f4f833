import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type FileReport, readJunit } from "./junit.ts";
import { runCommand } from "./run_command.ts";
import type { Runtime, RuntimeName } from "./runtimes.ts";

/** How one test file did on one runtime. */
export interface FileResult extends FileReport {
  readonly runtime: RuntimeName;
  readonly file: string;
  /** What is wrong besides failed tests. */
  readonly problem?: string;
  /** What the native runner said. */
  readonly output: string;
  readonly durationMs: number;
}

/** How to run a test file. */
export interface RunFileOptions {
  /** Where the reports go. */
  readonly reportFolder: string;
  readonly timeoutMs: number;
  /** Added to the environment. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
}

/** Node's runner stops a file by itself; this is how long it may take to do so. */
const GRACE_MS = 2_000;

/** Runs one test file in a process of its own, so that no file can disturb another. */
export async function runFile(
  runtime: Runtime,
  file: string,
  { reportFolder, timeoutMs, env, signal }: RunFileOptions,
): Promise<FileResult> {
  const report = join(reportFolder, `${runtime.name}-${file.replaceAll(/\W/g, "-")}.xml`);
  const startMs = performance.now();
  const { code, output } = await runCommand(
    runtime.executable,
    runtime.testArguments(file, report, timeoutMs),
    { env, signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs + GRACE_MS)]) },
  );
  const xml = await readFile(report, "utf8").catch(() => "");
  const counts = readJunit(xml, file);
  const problem = problemOf(counts, code, xml !== "");
  const durationMs = performance.now() - startMs;
  return {
    ...counts,
    runtime: runtime.name,
    file,
    ...(problem && { problem }),
    output,
    durationMs,
  };
}

/**
 * An exit code of 0 is not enough: a file that ends its process has it on every runtime, and on Deno
 * a module that throws after its first test has it, too.
 */
function problemOf(
  { passed, failed, skipped }: FileReport,
  code: number | null,
  hasReport: boolean,
): string | undefined {
  if (code === null) return "it was stopped, because it did not end in time or ran out of memory";
  if (failed > 0) return undefined;
  if (code !== 0) return `it ended with exit code ${code}`;
  if (!hasReport) return "it ended without a report";
  if (passed + skipped.length === 0) return "it has no tests, or ended before they were run";
}
