import { Buffer } from "node:buffer";
import { createClient, ErrorReply, RESP_TYPES } from "redis";
import { FetchServer } from "./fetch_server.ts";

/** What the bridge answers. */
interface Answer {
  readonly status: number;
  readonly body: unknown;
}

/** Sends a command and resolves with its reply, whose texts are a `Buffer`. */
type Send = (words: readonly string[]) => Promise<unknown>;

/**
 * A server on 127.0.0.1 that speaks the REST protocol of Upstash, as far as the library uses it, and passes the
 * commands on to a Redis: https://upstash.com/docs/redis/features/restapi
 */
export class RedisRestBridge implements AsyncDisposable {
  /** Where it listens, without a slash at the end. */
  readonly url: string;
  /** What it knows its callers by. */
  readonly token: string = "s3cr3t-token";
  /** How many commands each request so far has had. */
  readonly requests: number[] = [];
  readonly #server: FetchServer;
  readonly #end: () => void;

  private constructor(server: FetchServer, end: () => void) {
    this.url = server.url.replace(/\/$/, "");
    this.#server = server;
    this.#end = end;
  }

  /** Starts a bridge on a free port, in front of the server at `redisUrl`. */
  static async start(redisUrl: string): Promise<RedisRestBridge> {
    const client = createClient({
      url: redisUrl,
      RESP: 2,
      disableClientInfo: true,
      commandOptions: { typeMapping: { [RESP_TYPES.BLOB_STRING]: Buffer } },
    });
    client.on("error", () => {});
    await client.connect();
    const send: Send = (words) => client.sendCommand(words.map(String));
    const server = await FetchServer.start((request) => bridge.#answer(request, send));
    const bridge = new RedisRestBridge(server, () => client.destroy());
    return bridge;
  }

  /** Stops the server. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server[Symbol.asyncDispose]();
    this.#end();
  }

  async #answer(request: Request, send: Send): Promise<Response> {
    const { status, body } = await this.#carryOut(request, send);
    const headers = { "content-type": "application/json" };
    return new Response(JSON.stringify(body), { status, headers });
  }

  async #carryOut(request: Request, send: Send): Promise<Answer> {
    const body: unknown = JSON.parse(await request.text());
    if (request.headers.get("authorization") !== `Bearer ${this.token}`) {
      return { status: 401, body: { error: "Unauthorized" } };
    }
    const encoding = request.headers.get("upstash-encoding") === "base64" ? "base64" : "utf8";
    const isPipeline = new URL(request.url).pathname === "/pipeline";
    const commands = isPipeline ? body as string[][] : [body as string[]];
    this.requests.push(commands.length);
    const replies = await Promise.all(commands.map((words) => replyTo(words, send, encoding)));
    if (isPipeline) return { status: 200, body: replies };
    const [reply = {}] = replies;
    return { status: "error" in reply ? 400 : 200, body: reply };
  }
}

async function replyTo(
  words: readonly string[],
  send: Send,
  encoding: BufferEncoding,
): Promise<Record<string, unknown>> {
  try {
    return { result: encoded(await send(words), encoding) };
  } catch (error) {
    if (error instanceof ErrorReply) return { error: error.message };
    throw error;
  }
}

/** Every text but `OK`. */
function encoded(result: unknown, encoding: BufferEncoding): unknown {
  if (Array.isArray(result)) return result.map((one) => encoded(one, encoding));
  const isText = typeof result === "string" && result !== "OK";
  return isText || Buffer.isBuffer(result) ? Buffer.from(result).toString(encoding) : result;
}
