import { existsSync } from "node:fs";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { freePort } from "./free_port.ts";
import {
  createServerFolder,
  findProgram,
  ServerProcess,
  type ServerProgram,
  stopLeftServers,
} from "./server_process.ts";
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

/** What the folders of these servers are called after. */
const KIND = "nats";

/** Whether {@linkcode startNats} can work here. */
export function isNatsInstalled(): boolean {
  return findNats() !== undefined;
}

/**
 * Starts a NATS server of our own on a free loopback port, with its files in a temporary folder that goes away with
 * it. Rejects when it is not installed.
 */
export async function startNats(options: NatsOptions = {}): Promise<PrivateNats> {
  const path = findNats();
  if (!path) throw new Error("Cannot start NATS: nats-server is not installed");
  const directory = await createServerFolder(KIND);
  const args = ["--config", "nats.conf"];
  const program = { name: "NATS", path, args, directory, ready: "Server is ready" };
  const server = new PrivateNats(program, await freePort(), options.login);
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
export function stopLeftNats(run: string): Promise<void> {
  return stopLeftServers(KIND, run);
}

/** A NATS server of our own. It starts again with the streams that it had. */
export class PrivateNats extends ServerProcess {
  /** The port on 127.0.0.1; the same after a restart. */
  readonly port: number;
  /** How to connect as the only user. */
  readonly url: string;

  /** Use {@linkcode startNats}. */
  constructor(program: ServerProgram, port: number, login: NatsOptions["login"]) {
    super(program);
    this.port = port;
    const at = login
      ? `${encodeURIComponent(login.user)}:${encodeURIComponent(login.password)}@`
      : "";
    this.url = `nats://${at}127.0.0.1:${port}`;
  }

  /** Resolves when all its threads stand still, because one of them may still answer after the signal was sent. */
  override async pause(): Promise<void> {
    super.pause();
    const tasks = `/proc/${this.pid}/task`;
    if (!existsSync(tasks)) return;
    await until("all threads stand still", async () => {
      const ids = await readdir(tasks);
      const states = await Promise.all(
        ids.map((id) => readFile(join(tasks, id, "stat"), "utf8").catch(() => ") T")),
      );
      return states.every((stat) => /\) T/.test(stat));
    });
  }
}

function findNats(): string | undefined {
  return findProgram("nats-server", ["/usr/sbin"]);
}

/** What the server reads. In a file, a password is not in the list of processes. */
function configuration(port: number, { login, jetstream = true, lines = [] }: NatsOptions): string {
  return [
    `listen: "127.0.0.1:${port}"`,
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
