import { writeFile } from "node:fs/promises";
import { builtinModules, createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { freePort } from "./free_port.ts";
import { test, whenPermitted } from "./permitted.ts";
import { createServerFolder, ServerProcess, type ServerProgram } from "./server_process.ts";
import { skipTest } from "./skip.ts";

/**
 * What a worker has of Node: all that `nodejs_compat` brings; nothing; or what is imported, as suites do with their
 * assertions, while the library finds nothing.
 */
export type NodeSupport = "full" | "imports" | "none";

/** What a worker has. */
export interface WorkerOptions {
  /** What it has of Node. */
  readonly node: NodeSupport;
  /** Its variables. */
  readonly variables?: Readonly<Record<string, string>>;
}

/** The program, for this machine. Not by an import, whose default export differs between the runtimes. */
const PROGRAM = await whenPermitted(() => {
  return Promise.resolve(
    (createRequire(import.meta.url)("workerd") as { default: string }).default,
  );
});

/** What comes before the code of a worker; bundlers for Workers make `require` work in some way, too. */
const HEADS: Readonly<Record<NodeSupport, string>> = {
  full: 'import { createRequire } from "node:module"; const require = createRequire("/");',
  imports: "globalThis.process = undefined;",
  none: "",
};

/** A test of what runs in `workerd`, whatever runs the test: once is enough. */
export function edgeTest(name: string, fn: () => Promise<void>): void {
  if ("Deno" in globalThis) test(name, fn);
  else skipTest(name, "workerd is the same whoever starts it; Deno does");
}

/**
 * Bundles the source of a worker, which may import files of the project and the package by its name, and starts `workerd`
 * with it on a free loopback port. Rejects with what it says if it does not start.
 */
export async function startWorker(source: string, options: WorkerOptions): Promise<Worker> {
  const code = HEADS[options.node] + await bundle(source);
  const directory = await createServerFolder("workerd");
  const port = await freePort();
  // The control messages say when it listens.
  const args = ["serve", "--control-fd=1", "worker.capnp"];
  const program = { name: "workerd", path: PROGRAM, args, directory, ready: '"event":"listen"' };
  const worker = new Worker(program, port);
  try {
    await writeFile(join(directory, "worker.js"), code);
    await writeFile(join(directory, "worker.capnp"), configuration(port, options));
    await worker.start();
    return worker;
  } catch (error) {
    await worker[Symbol.asyncDispose]();
    throw error;
  }
}

/** A worker that runs. */
export class Worker extends ServerProcess {
  /** Where it answers, without a slash at the end. */
  readonly url: string;

  /** Use {@linkcode startWorker}. */
  constructor(program: ServerProgram, port: number) {
    super(program);
    this.url = `http://127.0.0.1:${port}`;
  }

  /** What it answers in JSON; rejects when that is no success. */
  async ask<T>(path: string): Promise<T> {
    const response = await fetch(this.url + path);
    if (response.ok) return await response.json();
    throw new Error(`Cannot ask the worker: ${response.status} ${await response.text()}`);
  }
}

/** As bundlers for Workers do it: packages choose what they have for browsers, modules of Node stay outside. */
async function bundle(source: string): Promise<string> {
  // Loaded late, because it reads the environment.
  const { buildSync } = await import("esbuild");
  const { outputFiles } = buildSync({
    stdin: { contents: source, resolveDir: fileURLToPath(new URL("../..", import.meta.url)) },
    write: false,
    bundle: true,
    format: "esm",
    target: "es2022",
    platform: "browser",
    conditions: ["workerd", "worker", "browser"],
    external: ["node:*", "cloudflare:*"],
    alias: Object.fromEntries(
      builtinModules.filter((name) => /^[a-z]/.test(name)).map((name) => [name, `node:${name}`]),
    ),
    logLevel: "silent",
  });
  return outputFiles[0]!.text;
}

/** The date is one before which `nodejs_compat` was no default. */
function configuration(port: number, { node, variables = {} }: WorkerOptions): string {
  const bindings = Object.entries(variables).map(([name, value]) =>
    `(name = ${JSON.stringify(name)}, text = ${JSON.stringify(value)})`
  );
  return `
using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = (
      modules = [(name = "worker.js", esModule = embed "worker.js")],
      compatibilityDate = "2026-08-01",
      compatibilityFlags = [${node === "none" ? "" : '"nodejs_compat"'}],
      bindings = [${bindings.join(", ")}],
    )),
    (name = "internet", network = (allow = ["public", "private"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")],
);`;
}
