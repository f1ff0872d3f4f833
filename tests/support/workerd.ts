import { writeFile } from "node:fs/promises";
import { builtinModules, createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildSync } from "esbuild";
import { freePort } from "./free_port.ts";
import { createServerFolder, ServerProcess, type ServerProgram } from "./server_process.ts";

/** What a worker is, and what it may use. */
export interface WorkerOptions {
  /** Whether it has the modules of Node; since August 2026 that is the default of `workerd`. */
  readonly nodejsCompat: boolean;
  /** Its variables. */
  readonly variables?: Readonly<Record<string, string>>;
}

/** The program, for this machine. Not by an import, whose default export differs between the runtimes. */
const { default: PROGRAM }: { readonly default: string } = createRequire(import.meta.url)(
  "workerd",
);

/** Before it, `nodejs_compat` was no default. */
const DATE = "2026-08-01";

/** As bundlers for Workers do it: packages choose what they have for browsers, modules of Node stay outside. */
export function bundleWorker(source: string): string {
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

/** Starts `workerd` with a bundled worker on a free loopback port; rejects with what it says if that fails. */
export async function startWorker(code: string, options: WorkerOptions): Promise<Worker> {
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
  readonly #port: number;

  /** Use {@linkcode startWorker}. */
  constructor(program: ServerProgram, port: number) {
    super(program);
    this.#port = port;
  }

  /** What it answers, which must be JSON. */
  async ask<T>(path: string): Promise<T> {
    const response = await fetch(`http://127.0.0.1:${this.#port}${path}`);
    const text = await response.text();
    if (!response.ok) throw new Error(`Cannot ask the worker: ${response.status} ${text}`);
    return JSON.parse(text);
  }
}

function configuration(port: number, { nodejsCompat, variables = {} }: WorkerOptions): string {
  const bindings = Object.entries(variables).map(([name, value]) =>
    `(name = ${JSON.stringify(name)}, text = ${JSON.stringify(value)})`
  );
  return `
using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = (
      modules = [(name = "worker.js", esModule = embed "worker.js")],
      compatibilityDate = "${DATE}",
      compatibilityFlags = [${nodejsCompat ? '"nodejs_compat"' : ""}],
      bindings = [${bindings.join(", ")}],
    )),
    (name = "internet", network = (allow = ["public", "private"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")],
);`;
}
