import { Buffer } from "node:buffer";
import { createClient, RESP_TYPES } from "redis";
import { runName } from "./postgres.ts";

/** What a command is made of. */
export type RedisArgument = string | Uint8Array;

/** Sends one command and resolves with its reply, in the form that it has in RESP 2. */
export type SendRedisCommand = (...args: readonly RedisArgument[]) => Promise<unknown>;

/** How to talk to a server. */
export interface RedisTalk {
  /** After how many milliseconds the whole talk is over and rejects. Default: 10 000. */
  readonly limitMs?: number;
  /** Whether strings in replies are a `Buffer`. Default: text. */
  readonly bytes?: boolean;
  /** Whether any certificate will do, as for a private server. */
  readonly trustAnyone?: boolean;
}

/** Connects, uses the connection, and closes it whatever happens. */
export async function withRedis<T>(
  url: string,
  use: (send: SendRedisCommand) => Promise<T>,
  { limitMs = 10_000, bytes = false, trustAnyone = false }: RedisTalk = {},
): Promise<T> {
  // The error of `new URL` shows its input, and with it the password.
  if (!URL.canParse(url)) throw new Error("the URL is malformed");
  const client = createClient({
    url,
    RESP: 2,
    disableClientInfo: true,
    socket: { connectTimeout: limitMs, reconnectStrategy: false, rejectUnauthorized: !trustAnyone },
    commandOptions: bytes ? { typeMapping: { [RESP_TYPES.BLOB_STRING]: Buffer } } : {},
  });
  let isOver = false;
  client.on("error", () => {});
  // A client that is destroyed while it connects goes on, and would keep its socket.
  client.on("connect", () => isOver && client.destroy());
  const talk = async (): Promise<T> => {
    await client.connect();
    return await use((...args) =>
      client.sendCommand(args.map((arg) => typeof arg === "string" ? arg : Buffer.from(arg)))
    );
  };
  const limit = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => limit.reject(new Error(`no answer within ${limitMs} ms`)),
    limitMs,
  );
  try {
    return await Promise.race([talk(), limit.promise]);
  } finally {
    isOver = true;
    clearTimeout(timer);
    client.destroy();
  }
}

/** Resolves when a server at `url` answers a PING within five seconds. */
export async function probeRedis(url: string): Promise<void> {
  const reply = await withRedis(url, (send) => send("PING"), { limitMs: 5_000 });
  if (reply !== "PONG") throw new Error("it does not answer PING with PONG");
}

/** A namespace for the keys of one suite, on a server that others may use at the same time. */
export function testNamespace(): string {
  return `${namespacePrefix(runName())}${crypto.randomUUID().slice(-12)}`;
}

/** Deletes the keys in namespaces of a run that killed test files left on the server at `url`. */
export async function dropLeftKeys(url: string, run: string): Promise<void> {
  const prefix = namespacePrefix(run);
  const isLeft = (key: Buffer): boolean => {
    const name = key.toString("latin1");
    return name.startsWith(prefix) && /^[^-:/]+[:/]/.test(name.slice(prefix.length));
  };
  await withRedis(url, async (send) => {
    let cursor = "0";
    do {
      const page = await send("SCAN", cursor, "MATCH", `${prefix}*`, "COUNT", "1000");
      const [next, keys] = page as [Buffer, Buffer[]];
      const left = keys.filter(isLeft);
      if (left.length > 0) await send("UNLINK", ...left);
      cursor = next.toString();
    } while (cursor !== "0");
  }, { bytes: true, limitMs: 60_000 });
}

function namespacePrefix(run: string): string {
  return `t-${run}-`;
}
