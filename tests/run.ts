/** Runs the suite on every runtime: `deno task test`; `deno task test --help` lists the options. */
import { globSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { RUN_VARIABLE } from "./support/postgres.ts";
import { provideServices } from "./support/provided_services.ts";
import { type FileResult, runFile, type RunFileOptions } from "./support/run_file.ts";
import { findRuntime, type Runtime, RUNTIME_NAMES, type RuntimeName } from "./support/runtimes.ts";
import { REQUIRED_VARIABLE, SERVICES } from "./support/services.ts";
import { supportTable, tableIn, withTable } from "./support/support_table.ts";
import { failures, isFailure, notes, skips, totals } from "./support/summary.ts";

const USAGE = `Runs the suite on every runtime: deno task test [options] [part of a path]…

  --runtime ${RUNTIME_NAMES.join(",").padEnd(17)}  only these
  --require ${Object.keys(SERVICES).join(",")}
                               a test that is skipped because this service is missing fails instead
  --jobs 2                     how many test files run at once; by default one for each core
  --timeout 300                after how many seconds a test file is stopped and has failed
  --write-support              writes the support table of the README: adapters by runtimes, as the tests saw them;
                               otherwise a run of everything with every service required fails if it saw another one
`;

interface Options {
  readonly files: readonly string[];
  readonly runtimes: readonly RuntimeName[];
  readonly required: readonly string[];
  readonly jobs: number;
  readonly timeoutMs: number;
  readonly writeSupport: boolean;
}

/** Returns whether everything passed. */
async function main(signal: AbortSignal): Promise<boolean> {
  const startMs = performance.now();
  const asked = readOptions(process.argv.slice(2));
  if (asked === "help") {
    print(USAGE);
    return true;
  }
  const { files, runtimes: names, required, jobs, timeoutMs, writeSupport } = asked;
  const run = crypto.randomUUID().slice(0, 8);
  const services = await provideServices(run);
  const reportFolder = await mkdtemp(join(tmpdir(), "exchange-tests-"));
  try {
    const runtimes = await Promise.all(names.map(findRuntime));
    const versions = runtimes.map(({ name, version }) => `${name} ${version}`).join(", ");
    print(`Testing ${files.length} files on ${versions}; ${services.description}`);
    const env = { ...services.env, [REQUIRED_VARIABLE]: required.join(","), [RUN_VARIABLE]: run };
    const options = { reportFolder, timeoutMs, env, signal };
    const results = await runAll(files, runtimes, jobs, options);
    const isComplete = required.length === Object.keys(SERVICES).length;
    const mistake = await checkSupport(supportTable(results), { isComplete, writeSupport });
    if (mistake) print(mistake);
    report(results, performance.now() - startMs);
    return failures(results).length === 0 && !mistake;
  } finally {
    await rm(reportFolder, { recursive: true, force: true });
    await services[Symbol.asyncDispose]();
  }
}

/** Runs every file on every runtime, `jobs` at a time, and prints a line when a file is done. */
async function runAll(
  files: readonly string[],
  runtimes: readonly Runtime[],
  jobs: number,
  options: RunFileOptions,
): Promise<FileResult[]> {
  const queue = files.flatMap((file) => runtimes.map((runtime) => ({ file, runtime })));
  const results: FileResult[] = [];
  const work = async (): Promise<void> => {
    for (let next = queue.shift(); next; next = queue.shift()) {
      const { file, runtime } = next;
      options.signal.throwIfAborted();
      const result = await runFile(runtime, file, options);
      results.push(result);
      if (isFailure(result)) printFailure(result);
      const done = results.filter((result) => result.file === file);
      if (done.length === runtimes.length && !done.some(isFailure)) printPassed(file, done);
    }
  };
  await Promise.all(Array.from({ length: jobs }, work));
  const order = runtimes.map(({ name }) => name);
  return results.sort((a, b) => order.indexOf(a.runtime) - order.indexOf(b.runtime));
}

/** Returns what is wrong with the support table of the README, or writes it. */
async function checkSupport(
  seen: string | undefined,
  { isComplete, writeSupport }: { isComplete: boolean; writeSupport: boolean },
): Promise<string | undefined> {
  if (!seen) {
    return writeSupport ? "Cannot write the support table: some adapter was not tested" : undefined;
  }
  const readme = await readFile("README.md", "utf8");
  if (writeSupport) await writeFile("README.md", withTable(readme, seen));
  else if (isComplete && tableIn(readme) !== seen) {
    return `README.md: the support table is not what the tests saw; write it with --write-support:\n${seen}`;
  }
}

function printPassed(file: string, results: readonly FileResult[]): void {
  const counts = results.map(({ passed, skipped }) =>
    skipped.length > 0 ? `${passed} (${skipped.length} skipped)` : `${passed}`
  );
  const durationMs = Math.max(...results.map((result) => result.durationMs));
  const same = new Set(counts).size === 1 ? counts[0] : counts.join(" / ");
  print(`ok ${file}: ${same} in ${(durationMs / 1000).toFixed(1)} s`);
}

function printFailure(result: FileResult): void {
  print(`\nFAILED ${failures([result]).join("; ")}\n`);
  print(result.output.replaceAll(/^/gm, "  "));
}

function report(results: readonly FileResult[], durationMs: number): void {
  const section = (title: string, lines: readonly string[]): void => {
    if (lines.length > 0) print(`\n${title}\n${lines.map((line) => `  ${line}`).join("\n")}`);
  };
  section("Noted", notes(results));
  section("Skipped", skips(results));
  section("Failed", failures(results));
  print(`\n${totals(results, durationMs)}`);
}

function readOptions(args: readonly string[]): Options | "help" {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      runtime: { type: "string", default: RUNTIME_NAMES.join(",") },
      require: { type: "string", default: "" },
      jobs: { type: "string", default: String(availableParallelism()) },
      timeout: { type: "string", default: "300" },
      "write-support": { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) return "help";
  const wanted = choose("--runtime", values.runtime, RUNTIME_NAMES);
  return {
    files: findFiles(positionals),
    runtimes: RUNTIME_NAMES.filter((name) => wanted.includes(name)),
    required: choose("--require", values.require, Object.keys(SERVICES)),
    jobs: positive("--jobs", values.jobs),
    timeoutMs: positive("--timeout", values.timeout) * 1000,
    writeSupport: values["write-support"],
  };
}

/** The test files; the ones of `tests/jsr/` need a registry, so they are a task of their own. */
function findFiles(parts: readonly string[]): string[] {
  const all = globSync("tests/**/*_test.ts").map((file) => file.replaceAll("\\", "/")).sort();
  const files = all.filter((file) => !file.startsWith("tests/jsr/"))
    .filter((file) => parts.length === 0 || parts.some((part) => file.includes(part)));
  if (files.length > 0) return files;
  throw new Error(
    `Cannot find a test file whose path contains ${parts.join(" or ") || "_test.ts"}`,
  );
}

function choose<T extends string>(option: string, value: string, names: readonly T[]): T[] {
  const chosen = value.split(",").filter((name) => name !== "");
  const unknown = chosen.find((name) => !(names as readonly string[]).includes(name));
  if (unknown === undefined) return chosen as T[];
  throw new Error(`Cannot use ${option}: it takes ${names.join(", ")}, got ${unknown}`);
}

function positive(option: string, value: string): number {
  const number = Number(value);
  if (Number.isInteger(number) && number > 0) return number;
  throw new Error(`Cannot use ${option}: it must be an integer above 0, got ${value}`);
}

function print(text: string): void {
  console.log(text);
}

const stop = new AbortController();
// Not `once`: `deno task` passes on a Ctrl-C that the terminal has sent here as well.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(signal, () => stop.abort(new Error(`Stopped by ${signal}`)));
}
try {
  process.exitCode = await main(stop.signal) ? 0 : 1;
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
