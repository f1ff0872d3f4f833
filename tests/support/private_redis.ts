import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { freePort } from "./free_port.ts";
import { type RedisArgument, withRedis } from "./redis.ts";
import {
  createServerFolder,
  findProgram,
  ServerProcess,
  type ServerProgram,
  stopLeftServers,
} from "./server_process.ts";

/** How a private Redis differs from one that keeps everything in memory and lets everyone in. */
export interface RedisOptions {
  /** Directives as in redis.conf, such as `maxmemory`, `maxclients` or `replicaof`. */
  readonly settings?: Readonly<Record<string, string | number | boolean>>;
  /** The password of the default user. Default: none is asked for. */
  readonly password?: string;
  /** Has the server speak TLS only, with these PEM texts. */
  readonly tls?: { readonly certificate: string; readonly key: string };
}

/** What the folders of these servers are called after. */
const KIND = "redis";

/** Whether {@linkcode startRedis} can work here. */
export function isRedisInstalled(): boolean {
  return findRedis() !== undefined;
}

/**
 * Starts a Redis, or else a Valkey, of our own on a free loopback port, with its files in a temporary
 * folder that goes away with it. Rejects when neither is installed.
 */
export async function startRedis(options: RedisOptions = {}): Promise<PrivateRedis> {
  const path = findRedis();
  if (!path) throw new Error("Cannot start Redis: redis-server is not installed");
  const directory = await createServerFolder(KIND);
  const ready = "Ready to accept connections";
  const program = { name: "Redis", path, args: ["redis.conf"], directory, ready };
  const server = new PrivateRedis(program, await freePort(), options);
  try {
    await writeFiles(directory, server.port, options);
    await server.start();
    return server;
  } catch (error) {
    await server[Symbol.asyncDispose]();
    throw error;
  }
}

/** Stops and deletes the servers that killed test files of a run left running. */
export function stopLeftRedis(run: string): Promise<void> {
  return stopLeftServers(KIND, run);
}

/** A Redis of our own. It starts again without data and as its options said, unless they told it to save. */
export class PrivateRedis extends ServerProcess {
  /** The port on 127.0.0.1; the same after a restart. */
  readonly port: number;
  /** How to connect as the default user. */
  readonly url: string;

  /** Use {@linkcode startRedis}. */
  constructor(program: ServerProgram, port: number, { password, tls }: RedisOptions) {
    super(program);
    this.port = port;
    const login = password === undefined ? "" : `:${encodeURIComponent(password)}@`;
    this.url = `${tls ? "rediss" : "redis"}://${login}127.0.0.1:${port}`;
  }

  /**
   * Sends one command over a connection of its own and resolves with the reply as in RESP 2, such as
   * `command("CONFIG", "SET", "maxmemory", "1mb")`. Rejects with the server's error, and after ten
   * seconds without an answer.
   */
  command(...args: readonly RedisArgument[]): Promise<unknown> {
    return withRedis(this.url, (send) => send(...args), { trustAnyone: true });
  }
}

/** The path of `redis-server` or else `valkey-server`. */
function findRedis(): string | undefined {
  return findProgram("redis-server") ?? findProgram("valkey-server");
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
