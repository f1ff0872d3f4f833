import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, rmSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import process from "node:process";
import { RUN_VARIABLE } from "./postgres.ts";
import { signalIfAlive } from "./process_signals.ts";

/** What a {@linkcode ServerProcess} runs. */
export interface ServerProgram {
  /** The name of the server, for errors. */
  readonly name: string;
  /** The program. */
  readonly path: string;
  /** Its arguments. */
  readonly args: readonly string[];
  /** Where its files are and it runs, from {@linkcode createServerFolder}. It goes away with the server. */
  readonly directory: string;
  /** What it logs when it accepts connections. */
  readonly ready: string;
  /** Its environment. Default: that of this process. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Where, in its folder, a server says which processes it consists of. */
const PIDS_FILE = "pids";

/** The path of a program on the `PATH` or in one of the folders. */
export function findProgram(
  name: string,
  folders: readonly string[] = [],
): string | undefined {
  const all = [...folders, ...(process.env.PATH ?? "").split(delimiter)];
  return all.map((folder) => join(folder, name)).find((path) => existsSync(path));
}

/** Creates a temporary folder for a server of a kind, which {@linkcode stopLeftServers} finds. */
export function createServerFolder(kind: string): Promise<string> {
  return mkdtemp(join(tmpdir(), folderPrefix(kind, process.env[RUN_VARIABLE])));
}

/** Stops and deletes the servers of a kind that killed test files of a run left running. */
export async function stopLeftServers(kind: string, run: string): Promise<void> {
  const prefix = folderPrefix(kind, run);
  const folders = (await readdir(tmpdir())).filter((name) => name.startsWith(prefix));
  for (const folder of folders) {
    const pids = await readFile(join(tmpdir(), folder, PIDS_FILE), "utf8").catch(() => "");
    for (const pid of pids.split(" ").map(Number)) if (pid > 0) signalIfAlive(pid, "SIGKILL");
    await remove(join(tmpdir(), folder));
  }
}

/** The process of a server that belongs to one test file, which may do to it what it likes. */
export class ServerProcess implements AsyncDisposable {
  readonly #program: ServerProgram;
  /** Processes that it needs, which end last. */
  readonly #helpers: ChildProcess[] = [];
  #server: ChildProcess | undefined;

  /** Creates one that does not run. */
  constructor(program: ServerProgram) {
    this.#program = program;
    // A test process that ends without stopping its server must not leave it behind.
    process.once("exit", this.#abandon);
  }

  /** The processes that run. */
  get pids(): readonly number[] {
    const children = [...this.#helpers, this.#server];
    return children.flatMap((child) => isRunning(child) ? [child.pid] : []);
  }

  /** The process of the server. Throws when it is stopped. */
  get pid(): number {
    if (isRunning(this.#server)) return this.#server.pid;
    throw new Error("Cannot name the process: the server is stopped");
  }

  /** Starts a program that the server needs, and that goes on while it is stopped. */
  startHelper(path: string): void {
    const { env, directory } = this.#program;
    this.#helpers.push(spawn(path, { cwd: directory, env, stdio: "ignore" }));
  }

  /** Starts the server, also again after `stop`; resolves when it accepts connections. */
  async start(): Promise<void> {
    const { name, path, args, directory, env } = this.#program;
    if (isRunning(this.#server)) throw new Error(`Cannot start ${name}: it is running`);
    this.#server = spawn(path, args, { cwd: directory, env, stdio: ["pipe", "pipe", "pipe"] });
    await writeFile(join(directory, PIDS_FILE), this.pids.join(" "));
    await this.#ready(this.#server);
  }

  /** Freezes the server: it accepts TCP connections and never answers, old ones and new ones. */
  pause(): void | Promise<void> {
    process.kill(this.pid, "SIGSTOP");
  }

  /** Ends a `pause`. */
  resume(): void {
    if (isRunning(this.#server)) signalIfAlive(this.#server.pid, "SIGCONT");
  }

  /** Stops the server: `graceful` closes its connections in order, `kill` is a crash. */
  async stop(mode: "graceful" | "kill" = "graceful"): Promise<void> {
    const server = this.#server;
    if (!isRunning(server)) return;
    const ended = once(server, "exit");
    // By its id, because on Deno a child that `kill` signals counts as ended at once.
    signalIfAlive(server.pid, mode === "graceful" ? "SIGTERM" : "SIGKILL");
    // Last, so that a paused server answers nothing more.
    if (mode === "graceful") this.resume();
    await ended;
  }

  /** Stops the server and what helps it, and deletes its files. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop("kill");
    for (const helper of this.#helpers.filter(isRunning)) {
      const ended = once(helper, "exit");
      signalIfAlive(helper.pid, "SIGKILL");
      await ended;
    }
    process.off("exit", this.#abandon);
    await remove(this.#program.directory);
  }

  /** Resolves when the server says that it is ready; rejects with what it said when it ends before. */
  #ready(server: ChildProcess): Promise<void> {
    const { name, ready } = this.#program;
    return new Promise((resolve, reject) => {
      let log = "";
      const read = (text: string): void => {
        if (log.includes(ready)) return;
        log += text;
        if (log.includes(ready)) resolve();
      };
      server.once("error", reject);
      server.once("close", () => reject(new Error(`Cannot start ${name}: it ended\n${log}`)));
      // The listeners stay, because a full pipe would stop the server.
      server.stdout!.on("data", read);
      server.stderr!.on("data", read);
    });
  }

  readonly #abandon = (): void => {
    for (const pid of this.pids) signalIfAlive(pid, "SIGKILL");
    rmSync(this.#program.directory, { recursive: true, force: true, maxRetries: 5 });
  };
}

function isRunning(
  child: ChildProcess | undefined,
): child is ChildProcess & { readonly pid: number } {
  return child?.pid !== undefined && child.exitCode === null && child.signalCode === null;
}

function folderPrefix(kind: string, run = "alone"): string {
  return `exchange-${kind}-${run}-`;
}

/** What helps a server may end a moment after it, and write until then. */
async function remove(directory: string): Promise<void> {
  await rm(directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
}
