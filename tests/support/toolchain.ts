import { delimiter, dirname, resolve } from "node:path";
import process from "node:process";
import { COMMAND, packPackage } from "./packed_package.ts";
import { type Executable, findNode, findRuntime } from "./runtimes.ts";

/** A program and its arguments. */
export type Command = readonly [program: string, ...args: string[]];

/** How a user of the package installs it and runs what uses it. */
export interface Toolchain {
  /** Its name in the names of tests. */
  readonly name: string;
  /** What its commands need in their environment, for a project in `folder`. */
  readonly env: (folder: string) => Readonly<Record<string, string>>;
  /** What is in an empty project. */
  readonly files: Readonly<Record<string, string>>;
  /** Makes what is installed, if that takes something, and says how to install it. */
  readonly install: (folder: string) => Promise<Command>;
  /** Runs a program. */
  readonly run: (file: string) => Command;
  /** Runs a file of tests. */
  readonly test: (file: string) => Command;
  /** Runs the command line of the package. */
  readonly cli: Command;
  /** Whether it runs TypeScript. */
  readonly runsTypeScript: boolean;
}

const QUIET = ["--no-audit", "--no-fund"];

/** Without it, npm and Node would take the programs for CommonJS. */
const MODULES = { "package.json": JSON.stringify({ type: "module" }) };

/** npm, with the tarball and other packages; what it runs, Deno runs. */
export function npmToolchain(packages: readonly string[]): Toolchain {
  const deno = process.execPath;
  return {
    name: "npm",
    env: () => ({ NO_COLOR: "1" }),
    files: MODULES,
    install: async (folder) => ["npm", "install", ...QUIET, await pack(folder), ...packages],
    run: (file) => [deno, "run", "--quiet", "-A", file],
    test: (file) => [deno, "test", "-A", file],
    cli: ["npx", "--no-install", COMMAND],
    runsTypeScript: true,
  };
}

/** npm and a Node of a major version, with the tarball. */
export async function nodeToolchain(major: number): Promise<Toolchain> {
  const { executable, env } = inFront(await findNode(major));
  return {
    name: `Node ${major}`,
    env: () => env,
    files: MODULES,
    install: async (folder) => ["npm", "install", ...QUIET, await pack(folder)],
    run: (file) => [executable, file],
    test: (file) => [executable, "--test", file],
    cli: ["npx", "--no-install", COMMAND],
    runsTypeScript: major >= 22,
  };
}

/** Bun, with the tarball. */
export async function bunToolchain(): Promise<Toolchain> {
  const { executable, env } = inFront(await findRuntime("bun"));
  return {
    name: "Bun",
    // A cache that is shared can hold a list of versions that is too old for what was published since.
    env: (folder) => ({ ...env, BUN_INSTALL_CACHE_DIR: resolve(folder, ".bun") }),
    files: MODULES,
    install: async (folder) => [executable, "add", await pack(folder)],
    run: (file) => [executable, file],
    test: (file) => [executable, "test", "--timeout=120000", `./${file}`],
    cli: [executable, "x", "--no-install", "--bun", COMMAND],
    runsTypeScript: true,
  };
}

/** Deno, with an empty cache and the registry at `registryUrl` in the place of JSR. */
export function denoToolchain(registryUrl: string): Toolchain {
  const deno = process.execPath;
  return {
    name: "Deno",
    env: (folder) => ({ JSR_URL: registryUrl, DENO_DIR: resolve(folder, ".deno"), NO_COLOR: "1" }),
    files: {},
    install: () => Promise.resolve([deno, "add", "jsr:@benchmark-exchange/infrastructure"]),
    run: (file) => [deno, "run", "--quiet", "-A", file],
    test: (file) => [deno, "test", "-A", "--no-check", file],
    cli: [deno, "run", "--quiet", "-A", "jsr:@benchmark-exchange/infrastructure/cli"],
    runsTypeScript: true,
  };
}

function pack(folder: string): Promise<string> {
  return packPackage(folder, ["--allow-dirty"]);
}

/** Has the scripts of npm, and what they start, find this executable first. */
function inFront({ executable }: Executable): Executable & { env: Record<string, string> } {
  if (!/[\\/]/.test(executable)) return { executable, version: "", env: {} };
  const path = resolve(executable);
  const env = { PATH: `${dirname(path)}${delimiter}${process.env.PATH ?? ""}` };
  return { executable: path, version: "", env };
}
