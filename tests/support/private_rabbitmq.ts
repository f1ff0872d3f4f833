import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, rmSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import process from "node:process";
import { promisify } from "node:util";
import { freePort } from "./free_port.ts";
import { RUN_VARIABLE } from "./postgres.ts";
import { signalIfAlive } from "./process_signals.ts";

/** What the server logs when it accepts connections. */
const READY = "Server startup complete";

/** Where, in its folder, a server says which processes it consists of. */
const PIDS_FILE = "pids";

/** Whether {@linkcode startRabbitMq} can work here. */
export function isRabbitMqInstalled(): boolean {
  return findScripts() !== undefined && findOnPath("epmd") !== undefined;
}

/**
 * Starts a RabbitMQ of our own on a free loopback port, with its files in a temporary folder that goes away with
 * it; takes five to fifteen seconds. `settings` are lines of rabbitmq.conf. Rejects when it is not installed.
 */
export async function startRabbitMq(
  settings: Readonly<Record<string, string | number>> = {},
): Promise<PrivateRabbitMq> {
  const [scripts, epmd] = [findScripts(), findOnPath("epmd")];
  if (!scripts || !epmd) throw new Error("Cannot start RabbitMQ: it is not installed");
  const directory = await mkdtemp(join(tmpdir(), folderPrefix(process.env[RUN_VARIABLE])));
  const ports = [await freePort(), await freePort(), await freePort()] as const;
  const server = new PrivateRabbitMq({ scripts, epmd, directory, ports });
  try {
    const all = {
      "listeners.tcp.1": `127.0.0.1:${ports[0]}`,
      "log.console": "true",
      "log.file": "false",
      ...settings,
    };
    const lines = Object.entries(all).map(([name, value]) => `${name} = ${value}\n`);
    await writeFile(join(directory, "rabbitmq.conf"), lines.join(""));
    await server.start();
    return server;
  } catch (error) {
    await server[Symbol.asyncDispose]();
    throw error;
  }
}

/** Stops and deletes the servers that killed test files of a run left running. */
export async function stopLeftRabbitMq(run: string): Promise<void> {
  const folders = (await readdir(tmpdir())).filter((name) => name.startsWith(folderPrefix(run)));
  for (const folder of folders) {
    const pids = await readFile(join(tmpdir(), folder, PIDS_FILE), "utf8").catch(() => "");
    for (const pid of pids.split(" ").map(Number)) if (pid > 0) signalIfAlive(pid, "SIGKILL");
    await rm(join(tmpdir(), folder), { recursive: true, force: true, maxRetries: 5 });
  }
}

/** A RabbitMQ that belongs to one test file, which may do to it what it likes. */
export class PrivateRabbitMq implements AsyncDisposable {
  /** The port on 127.0.0.1; the same after a restart. */
  readonly port: number;
  /** How to connect as the user that may do anything. */
  readonly url: string;
  readonly #scripts: string;
  readonly #epmd: string;
  readonly #directory: string;
  readonly #env: Record<string, string>;
  /** Names Erlang's nodes; without one of our own, the server would start one that stays. */
  #names: ChildProcess | undefined;
  #server: ChildProcess | undefined;

  /** Use {@linkcode startRabbitMq}. */
  constructor(
    { scripts, epmd, directory, ports: [port, distributionPort, epmdPort] }: {
      scripts: string;
      epmd: string;
      directory: string;
      ports: readonly [number, number, number];
    },
  ) {
    this.#scripts = scripts;
    this.#epmd = epmd;
    this.#directory = directory;
    this.port = port;
    this.url = `amqp://guest:guest@127.0.0.1:${port}`;
    this.#env = {
      PATH: process.env.PATH ?? "",
      HOME: directory,
      ERL_EPMD_ADDRESS: "127.0.0.1",
      ERL_EPMD_PORT: String(epmdPort),
      // Has the script become the server, so that its process is the server's.
      RABBITMQ_ALLOW_INPUT: "true",
      RABBITMQ_NODENAME: `exchange-${port}@localhost`,
      RABBITMQ_DIST_PORT: String(distributionPort),
      RABBITMQ_CONFIG_FILE: join(directory, "rabbitmq.conf"),
      RABBITMQ_CONF_ENV_FILE: join(directory, "none.conf"),
      RABBITMQ_ENABLED_PLUGINS_FILE: join(directory, "plugins"),
      RABBITMQ_MNESIA_BASE: join(directory, "data"),
      RABBITMQ_LOG_BASE: join(directory, "log"),
    };
    // A test process that ends without stopping its server must not leave it behind.
    process.once("exit", this.#abandon);
  }

  /** The processes that run for it. */
  get pids(): readonly number[] {
    const children = [this.#names, this.#server];
    return children.flatMap((child) => isRunning(child) ? [child!.pid!] : []);
  }

  /** Starts the server, also again after `stop`, with its data; resolves when it accepts connections. */
  async start(): Promise<void> {
    if (isRunning(this.#server)) throw new Error("Cannot start RabbitMQ: it is running");
    if (!isRunning(this.#names)) {
      // It reads its address and port from the environment.
      this.#names = spawn(this.#epmd, { env: this.#env, stdio: "ignore" });
    }
    this.#server = spawn(join(this.#scripts, "rabbitmq-server"), {
      cwd: this.#directory,
      env: this.#env,
      stdio: ["pipe", "pipe", "pipe"],
    });
    await writeFile(join(this.#directory, PIDS_FILE), this.pids.join(" "));
    await readyToAccept(this.#server);
  }

  /** Runs `rabbitmqctl`, such as `control("set_vm_memory_high_watermark", "0")`; resolves with what it says. */
  async control(...args: readonly string[]): Promise<string> {
    const options = { env: this.#env, cwd: this.#directory, timeout: 30_000 };
    const script = join(this.#scripts, "rabbitmqctl");
    const { stdout } = await promisify(execFile)(script, ["--quiet", ...args], options);
    return stdout;
  }

  /** Freezes the server: it accepts TCP connections and never answers, old ones and new ones. */
  pause(): void {
    this.#signal("SIGSTOP");
  }

  /** Ends a `pause`. */
  resume(): void {
    this.#signal("SIGCONT");
  }

  /** Stops the server: `graceful` closes its connections in order, `kill` is a crash. */
  async stop(mode: "graceful" | "kill" = "graceful"): Promise<void> {
    const server = this.#server;
    if (!server || !isRunning(server)) return;
    const ended = once(server, "exit");
    this.#signal(mode === "graceful" ? "SIGTERM" : "SIGKILL");
    if (mode === "graceful") this.resume();
    await ended;
  }

  /** Stops the server and deletes its files. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop("kill");
    if (this.#names && isRunning(this.#names)) {
      const ended = once(this.#names, "exit");
      signalIfAlive(this.#names.pid!, "SIGKILL");
      await ended;
    }
    process.off("exit", this.#abandon);
    // Helpers of the server end a moment after it, and may write until then.
    await rm(this.#directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
  }

  #signal(signal: NodeJS.Signals): void {
    // By its id, because on Deno a child that `kill` signals counts as ended at once.
    if (isRunning(this.#server)) signalIfAlive(this.#server!.pid!, signal);
  }

  readonly #abandon = (): void => {
    for (const child of [this.#server, this.#names]) {
      if (isRunning(child)) signalIfAlive(child!.pid!, "SIGKILL");
    }
    rmSync(this.#directory, { recursive: true, force: true, maxRetries: 5 });
  };
}

function isRunning(child: ChildProcess | undefined): boolean {
  return child?.pid !== undefined && child.exitCode === null && child.signalCode === null;
}

/**
 * The folder with `rabbitmq-server` and `rabbitmqctl`. What Debian has on the PATH are wrappers that switch to a
 * user who cannot read our folder, so theirs are looked for first.
 */
function findScripts(): string | undefined {
  const packages = "/usr/lib/rabbitmq/lib";
  const versions = existsSync(packages) ? readdirSync(packages) : [];
  const folders = [
    ...versions.map((name) => join(packages, name, "sbin")),
    ...(process.env.PATH ?? "").split(delimiter),
  ];
  return folders.find((folder) => existsSync(join(folder, "rabbitmq-server")));
}

function findOnPath(program: string): string | undefined {
  const folders = (process.env.PATH ?? "").split(delimiter);
  return folders.map((folder) => join(folder, program)).find((path) => existsSync(path));
}

function folderPrefix(run = "alone"): string {
  return `exchange-rabbitmq-${run}-`;
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
    server.once("close", () => reject(new Error(`Cannot start RabbitMQ: it ended\n${log}`)));
    // The listeners stay, because a full pipe would stop the server.
    server.stdout!.on("data", read);
    server.stderr!.on("data", read);
  });
}
