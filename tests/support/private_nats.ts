import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, rmSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import process from "node:process";
import { freePort } from "./free_port.ts";
import { RUN_VARIABLE } from "./postgres.ts";
import { signalIfAlive } from "./process_signals.ts";
import { until } from "./until.ts";

/** How a private NATS differs from one that has JetStream and lets everyone in. */
export interface NatsOptions {
  /** The only user and the password. Default: none is asked for. */
  readonly login?: { readonly user: string; readonly password: string };
  /** Whether it has JetStream. Default: `true`. */
  readonly jetstream?: boolean;
  /** More lines of the configuration, such as `max_payload: 65536`. */
  readonly lines?: readonly string[];
}

/** What the server logs when it accepts connections. */
const READY = "Server is ready";

const PROGRAM = "nats-server";

/** Where, in its folder, a server says which process it is. */
const PID_FILE = "nats.pid";

/** Whether {@linkcode startNats} can work here. */
export function isNatsInstalled(): boolean {
  return findProgram() !== undefined;
}

/**
 * Starts a NATS server of our own on a free loopback port, with its files in a temporary folder that goes away with
 * it. Rejects when it is not installed.
 */
export async function startNats(options: NatsOptions = {}): Promise<PrivateNats> {
  const program = findProgram();
  if (!program) throw new Error(`Cannot start NATS: ${PROGRAM} is not installed`);
  const directory = await mkdtemp(join(tmpdir(), folderPrefix(process.env[RUN_VARIABLE])));
  const server = new PrivateNats(program, directory, await freePort(), options.login);
  try {
    const text = configuration(server.port, options);
    await writeFile(join(directory, "nats.conf"), text, { mode: 0o600 });
    await server.start();
    return server;
  } catch (error) {
    await server[Symbol.asyncDispose]();
    throw error;
  }
}

/** Stops and deletes the servers that killed test files of a run left running. */
export async function stopLeftNats(run: string): Promise<void> {
  const folders = (await readdir(tmpdir())).filter((name) => name.startsWith(folderPrefix(run)));
  for (const folder of folders) {
    const pid = Number(await readFile(join(tmpdir(), folder, PID_FILE), "utf8").catch(() => ""));
    if (pid > 0) signalIfAlive(pid, "SIGKILL");
    await rm(join(tmpdir(), folder), { recursive: true, force: true });
  }
}

/** A NATS server that belongs to one test file, which may do to it what it likes. */
export class PrivateNats implements AsyncDisposable {
  /** The port on 127.0.0.1; the same after a restart. */
  readonly port: number;
  /** How to connect as the only user. */
  readonly url: string;
  readonly #program: string;
  readonly #directory: string;
  #server: ChildProcess | undefined;

  /** Use {@linkcode startNats}. */
  constructor(program: string, directory: string, port: number, login: NatsOptions["login"]) {
    this.#program = program;
    this.#directory = directory;
    this.port = port;
    const at = login
      ? `${encodeURIComponent(login.user)}:${encodeURIComponent(login.password)}@`
      : "";
    this.url = `nats://${at}127.0.0.1:${port}`;
    // A test process that ends without stopping its server must not leave it behind.
    process.once("exit", this.#abandon);
  }

  /** The process of the server. */
  get pid(): number {
    const pid = this.#running?.pid;
    if (pid) return pid;
    throw new Error("Cannot name the process: the server is stopped");
  }

  /** Starts the server, also again after `stop`; resolves when it accepts connections. */
  async start(): Promise<void> {
    if (this.#running) throw new Error("Cannot start NATS: it is running");
    this.#server = spawn(this.#program, ["--config", "nats.conf"], {
      cwd: this.#directory,
      stdio: ["ignore", "ignore", "pipe"],
    });
    await readyToAccept(this.#server);
  }

  /**
   * Freezes the server: it accepts TCP connections and never answers, old ones and new ones. Resolves when all its
   * threads stand still, because one of them may still answer after the signal was sent.
   */
  async pause(): Promise<void> {
    const { pid } = this;
    process.kill(pid, "SIGSTOP");
    const tasks = `/proc/${pid}/task`;
    if (!existsSync(tasks)) return;
    await until("all threads stand still", async () => {
      const ids = await readdir(tasks);
      const states = await Promise.all(
        ids.map((id) => readFile(join(tasks, id, "stat"), "utf8").catch(() => ") T")),
      );
      return states.every((stat) => /\) T/.test(stat));
    });
  }

  /** Ends a `pause`. */
  resume(): void {
    const pid = this.#running?.pid;
    if (pid) signalIfAlive(pid, "SIGCONT");
  }

  /** Stops the server; `kill` is a crash. It starts again with the streams that it had. */
  async stop(mode: "graceful" | "kill" = "graceful"): Promise<void> {
    const server = this.#running;
    if (!server) return;
    const ended = once(server, "exit");
    // By its id, because on Deno a child that `kill` signals counts as ended at once.
    process.kill(server.pid!, mode === "graceful" ? "SIGTERM" : "SIGKILL");
    // Last, so that a paused server answers nothing more.
    if (mode === "graceful") this.resume();
    await ended;
  }

  /** Stops the server and deletes its files. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop("kill");
    process.off("exit", this.#abandon);
    await rm(this.#directory, { recursive: true, force: true });
  }

  get #running(): ChildProcess | undefined {
    const server = this.#server;
    return server?.pid && server.exitCode === null && server.signalCode === null
      ? server
      : undefined;
  }

  readonly #abandon = (): void => {
    this.#running?.kill("SIGKILL");
    rmSync(this.#directory, { recursive: true, force: true });
  };
}

function findProgram(): string | undefined {
  const folders = (process.env.PATH ?? "").split(delimiter).concat("/usr/sbin");
  return folders.map((folder) => join(folder, PROGRAM)).find((path) => existsSync(path));
}

function folderPrefix(run = "alone"): string {
  return `exchange-nats-${run}-`;
}

/** What the server reads. In a file, a password is not in the list of processes. */
function configuration(port: number, { login, jetstream = true, lines = [] }: NatsOptions): string {
  return [
    `listen: "127.0.0.1:${port}"`,
    `pid_file: ${PID_FILE}`,
    ...jetstream ? ["jetstream: { store_dir: store }"] : [],
    ...login
      ? [
        `authorization: { user: ${JSON.stringify(login.user)}, password: ${
          JSON.stringify(login.password)
        } }`,
      ]
      : [],
    ...lines,
  ].join("\n");
}

/** Resolves when the server says that it is ready; rejects with what it said when it ends before. */
function readyToAccept(server: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let log = "";
    const read = (text: string): void => {
      if (log.includes(READY)) return;
      log += text;
      if (log.includes(READY)) resolve();
    };
    server.once("error", reject);
    server.once("close", () => reject(new Error(`Cannot start NATS: it ended\n${log}`)));
    // The listener stays, because a full pipe would stop the server.
    server.stderr!.on("data", read);
  });
}
