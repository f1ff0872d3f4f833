import { execFile } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import process from "node:process";
import { promisify } from "node:util";
import { freePort } from "./free_port.ts";
import {
  createServerFolder,
  findProgram,
  ServerProcess,
  type ServerProgram,
  stopLeftServers,
} from "./server_process.ts";

/** What the folders of these servers are called after. */
const KIND = "rabbitmq";

/** Whether {@linkcode startRabbitMq} can work here. */
export function isRabbitMqInstalled(): boolean {
  return findServer() !== undefined && findProgram("epmd") !== undefined;
}

/**
 * Starts a RabbitMQ of our own on a free loopback port, with its files in a temporary folder that goes away with
 * it; takes five to fifteen seconds. `settings` are lines of rabbitmq.conf. Rejects when it is not installed.
 */
export async function startRabbitMq(
  settings: Readonly<Record<string, string | number>> = {},
): Promise<PrivateRabbitMq> {
  const [path, epmd] = [findServer(), findProgram("epmd")];
  if (!path || !epmd) throw new Error("Cannot start RabbitMQ: it is not installed");
  const directory = await createServerFolder(KIND);
  const ports = [await freePort(), await freePort(), await freePort()] as const;
  const [port] = ports;
  const ready = "Server startup complete";
  const env = environment(directory, ports);
  const program = { name: "RabbitMQ", path, args: [], directory, env, ready };
  const server = new PrivateRabbitMq(program, port);
  try {
    const all = {
      "listeners.tcp.1": `127.0.0.1:${port}`,
      "log.console": "true",
      "log.file": "false",
      ...settings,
    };
    const lines = Object.entries(all).map(([name, value]) => `${name} = ${value}\n`);
    await writeFile(join(directory, "rabbitmq.conf"), lines.join(""));
    // It names Erlang's nodes; without one of our own, the server would start one that stays.
    server.startHelper(epmd);
    await server.start();
    return server;
  } catch (error) {
    await server[Symbol.asyncDispose]();
    throw error;
  }
}

/** Stops and deletes the servers that killed test files of a run left running. */
export function stopLeftRabbitMq(run: string): Promise<void> {
  return stopLeftServers(KIND, run);
}

/** A RabbitMQ of our own. It starts again with its data. */
export class PrivateRabbitMq extends ServerProcess {
  /** The port on 127.0.0.1; the same after a restart. */
  readonly port: number;
  /** How to connect as the user that may do anything. */
  readonly url: string;
  readonly #program: ServerProgram;

  /** Use {@linkcode startRabbitMq}. */
  constructor(program: ServerProgram, port: number) {
    super(program);
    this.#program = program;
    this.port = port;
    this.url = `amqp://guest:guest@127.0.0.1:${port}`;
  }

  /** Runs `rabbitmqctl`, such as `control("set_vm_memory_high_watermark", "0")`; resolves with what it says. */
  async control(...args: readonly string[]): Promise<string> {
    const { env, directory, path } = this.#program;
    const options = { env, cwd: directory, timeout: 30_000 };
    const script = join(dirname(path), "rabbitmqctl");
    const { stdout } = await promisify(execFile)(script, ["--quiet", ...args], options);
    return stdout;
  }
}

function environment(
  directory: string,
  [port, distributionPort, epmdPort]: readonly [number, number, number],
): Record<string, string> {
  return {
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
}

/**
 * The path of `rabbitmq-server`, which has `rabbitmqctl` beside it. What Debian has on the PATH are wrappers that switch
 * to a user who cannot read our folder, so theirs are looked for first.
 */
function findServer(): string | undefined {
  const packages = "/usr/lib/rabbitmq/lib";
  const versions = existsSync(packages) ? readdirSync(packages) : [];
  return findProgram("rabbitmq-server", versions.map((name) => join(packages, name, "sbin")));
}
