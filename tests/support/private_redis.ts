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
import { type RedisArgument, withRedis } from "./redis.ts";

/** How a private Redis differs from one that keeps everything in memory and lets everyone in. */
export interface RedisOptions {
  /** Directives as in redis.conf, such as `maxmemory`, `maxclients` or `replicaof`. */
  readonly settings?: Readonly<Record<string, string | number | boolean>>;
  /** The password of the default user. Default: none is asked for. */
  readonly password?: string;
  /** Has the server speak TLS only, with these PEM texts. */
  readonly tls?: { readonly certificate: string; readonly key: string };
}

/** What the server logs when it accepts connections. */
const READY = "Ready to accept connections";

/** Where, in its folder, a server says which process it is. */
const PID_FILE = "redis.pid";

/** Whether {@linkcode startRedis} can work here. */
export function isRedisInstalled(): boolean {
  return findProgram() !== undefined;
}

/**
 * Starts a Redis, or else a Valkey, of our own on a free loopback port, with its files in a temporary
 * folder that goes away with it. Rejects when neither is installed.
 */
export async function startRedis(options: RedisOptions = {}): Promise<PrivateRedis> {
  const program = findProgram();
  if (!program) throw new Error("Cannot start Redis: redis-server is not installed");
  const directory = await mkdtemp(join(tmpdir(), folderPrefix(process.env[RUN_VARIABLE])));
  const port = await freePort();
  const server = new PrivateRedis({ program, directory, port, options });
  try {
    await writeFiles(directory, port, options);
    await server.start();
    return server;
  } catch (error) {
    await server[Symbol.asyncDispose]();
    throw error;
  }
}

/** Stops and deletes the servers that killed test files of a run left running. */
export async function stopLeftRedis(run: string): Promise<void> {
  const folders = (await readdir(tmpdir())).filter((name) => name.startsWith(folderPrefix(run)));
  for (const folder of folders) {
    const pid = Number(await readFile(join(tmpdir(), folder, PID_FILE), "utf8").catch(() => ""));
    if (pid > 0) signalIfAlive(pid, "SIGKILL");
    await rm(join(tmpdir(), folder), { recursive: true, force: true });
  }
}

/** A Redis that belongs to one test file, which may do to it what it likes. */
export class PrivateRedis implements AsyncDisposable {
  /** The port on 127.0.0.1; the same after a restart. */
  readonly port: number;
  /** How to connect as the default user. */
  readonly url: string;
  readonly #program: string;
  readonly #directory: string;
  #server: ChildProcess | undefined;

  /** Use {@linkcode startRedis}. */
  constructor(
    { program, directory, port, options: { password, tls } }: {
      program: string;
      directory: string;
      port: number;
      options: RedisOptions;
    },
  ) {
    this.#program = program;
    this.#directory = directory;
    this.port = port;
    const login = password === undefined ? "" : `:${encodeURIComponent(password)}@`;
    this.url = `${tls ? "rediss" : "redis"}://${login}127.0.0.1:${port}`;
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
    if (this.#running) throw new Error("Cannot start Redis: it is running");
    this.#server = spawn(this.#program, ["redis.conf"], {
      cwd: this.#directory,
      stdio: ["ignore", "pipe", "pipe"],
    });
    await readyToAccept(this.#server);
  }

  /**
   * Sends one command over a connection of its own and resolves with the reply as in RESP 2, such as
   * `command("CONFIG", "SET", "maxmemory", "1mb")`. Rejects with the server's error, and after ten
   * seconds without an answer.
   */
  command(...args: readonly RedisArgument[]): Promise<unknown> {
    return withRedis(this.url, (send) => send(...args), { trustAnyone: true });
  }

  /** Freezes the server: it accepts TCP connections and never answers, old ones and new ones. */
  pause(): void {
    process.kill(this.pid, "SIGSTOP");
  }

  /** Ends a `pause`. */
  resume(): void {
    const pid = this.#running?.pid;
    if (pid) signalIfAlive(pid, "SIGCONT");
  }

  /**
   * Stops the server: `graceful` closes its connections in order, `kill` is a crash. It starts again
   * without data and as its options said, unless they told it to save.
   */
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

/** The path of `redis-server` or else `valkey-server`. */
function findProgram(): string | undefined {
  const folders = (process.env.PATH ?? "").split(delimiter);
  return ["redis-server", "valkey-server"]
    .flatMap((name) => folders.map((folder) => join(folder, name)))
    .find((path) => existsSync(path));
}

function folderPrefix(run = "alone"): string {
  return `exchange-redis-${run}-`;
}

/** Writes what the server reads. In a file, a password is not in the list of processes. */
async function writeFiles(directory: string, port: number, options: RedisOptions): Promise<void> {
  const { password, tls } = options;
  const write = (name: string, text: string): Promise<void> =>
    writeFile(join(directory, name), text, { mode: 0o600 });
  if (tls) await Promise.all([write("server.crt", tls.certificate), write("server.key", tls.key)]);
  const settings = {
    bind: "127.0.0.1",
    save: '""',
    appendonly: false,
    // By default, a master waits five seconds for more replicas before it serves the first.
    "repl-diskless-sync-delay": 0,
    pidfile: PID_FILE,
    port: tls ? 0 : port,
    ...(password !== undefined && { requirepass: JSON.stringify(password) }),
    ...(tls && {
      "tls-port": port,
      "tls-cert-file": "server.crt",
      "tls-key-file": "server.key",
      "tls-auth-clients": false,
    }),
    ...options.settings,
  };
  const lines = Object.entries(settings).map(([name, value]) =>
    `${name} ${typeof value === "boolean" ? (value ? "yes" : "no") : value}\n`
  );
  await write("redis.conf", lines.join(""));
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
    server.once("close", () => reject(new Error(`Cannot start Redis: it ended\n${log}`)));
    // The listeners stay, because a full pipe would stop the server.
    server.stdout!.on("data", read);
    server.stderr!.on("data", read);
  });
}
