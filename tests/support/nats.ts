import { type JetStreamManager, jetstreamManager } from "@nats-io/jetstream";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { runName } from "./postgres.ts";

/** A plain client of a NATS server. */
export interface NatsClient {
  /** The connection. */
  readonly nc: NatsConnection;
  /** Manages streams and consumers. */
  readonly jsm: JetStreamManager;
}

/** Connects, uses the connection, and closes it whatever happens. */
export async function withNats<T>(
  url: string,
  use: (client: NatsClient) => Promise<T>,
  limitMs = 10_000,
): Promise<T> {
  // The error of `new URL` shows its input, and with it the password.
  if (!URL.canParse(url)) throw new Error("the URL is malformed");
  const { host, username, password } = new URL(url);
  const login = username === ""
    ? {}
    : password === ""
    ? { token: decodeURIComponent(username) }
    : { user: decodeURIComponent(username), pass: decodeURIComponent(password) };
  const nc = await connect({ servers: host, timeout: limitMs, reconnect: false, ...login })
    .catch((error) => {
      // What the client says has no code, its cause has.
      throw new Error(error.cause?.message ?? error.message);
    });
  try {
    return await use({ nc, jsm: await jetstreamManager(nc, { timeout: limitMs }) });
  } finally {
    await nc.close();
  }
}

/** Resolves when the server at `url` answers that it has JetStream, within five seconds. */
export async function probeNats(url: string): Promise<void> {
  await withNats(url, ({ jsm }) => jsm.getAccountInfo(), 5_000);
}

/** A prefix for the streams of one suite, on a server that others may use at the same time. */
export function testPrefix(): string {
  return `${prefixOf(runName())}${crypto.randomUUID().slice(-12)}`;
}

/** Deletes the streams with a prefix. */
export async function dropStreams(url: string, prefix: string): Promise<void> {
  await withNats(url, async ({ jsm }) => {
    const names: string[] = [];
    for await (const name of jsm.streams.names()) if (name.startsWith(prefix)) names.push(name);
    for (const name of names) await jsm.streams.delete(name);
  }, 60_000);
}

/** Deletes the streams of a run that killed test files left on the server at `url`. */
export async function dropLeftStreams(url: string, run: string): Promise<void> {
  await dropStreams(url, prefixOf(run));
}

function prefixOf(run: string): string {
  return `t-${run}-`;
}
