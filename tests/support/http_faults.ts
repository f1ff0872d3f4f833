import { Buffer } from "node:buffer";
import { STATUS_CODES } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { type Body, ConnectionEnd, drain, type HeaderLine } from "./http_messages.ts";

/** A request on its way to the server. */
export interface ProxiedRequest {
  readonly method: string;
  /** Path and query, exactly as on the wire. */
  readonly target: string;
  readonly headers: readonly HeaderLine[];
  /** Can be read once. */
  readonly body: Body;
  /** Aborted when the client has left, and when the exchange is over. */
  readonly signal: AbortSignal;
}

/** A reply on its way to the client. */
export interface ProxiedReply {
  readonly status: number;
  readonly reason: string;
  readonly headers: readonly HeaderLine[];
  /** Can be read once. What it throws resets the client's connection, except {@linkcode ConnectionEnd}. */
  readonly body: Body;
}

/** Carries a request out. */
export type Forward = (request: ProxiedRequest) => Promise<ProxiedReply>;

/**
 * A way to harm an exchange: it makes the reply, of what the server says to the request or of
 * nothing. What it throws resets the client's connection, except {@linkcode ConnectionEnd}.
 */
export type Fault = (request: ProxiedRequest, forward: Forward) => Promise<ProxiedReply>;

/** Several faults as one. The first one is next to the client, the last one next to the server. */
export function compose(...faults: readonly Fault[]): Fault {
  return (request, forward) =>
    faults.reduceRight<Forward>((next, fault) => (changed) => fault(changed, next), forward)(
      request,
    );
}

/** The server never sees the request; this is the reply. */
export function answer(
  status: number,
  text = "",
  headers: Readonly<Record<string, string>> = {},
): Fault {
  return async (request) => {
    await drain(request.body);
    const body = Buffer.from(text);
    const lines = Object.entries({ "content-length": String(body.length), ...headers });
    return { status, reason: STATUS_CODES[status] ?? "", headers: lines, body: only(body) };
  };
}

/** The request is carried out, but this is the reply. */
export function forwardThenAnswer(...reply: Parameters<typeof answer>): Fault {
  return async (request, forward) => {
    await drain((await forward(request)).body);
    return await answer(...reply)(request, forward);
  };
}

/** The request is carried out, but its reply is lost and the connection is reset. */
export function swallowReply(): Fault {
  return async (request, forward) => {
    await drain((await forward(request)).body);
    throw new Error("A fault swallows this reply");
  };
}

/**
 * Resets the connection after `replyBytes` bytes of the reply's body, or all of it if it is shorter;
 * without a number, when the request has arrived, which the server never sees.
 */
export function resetPeer(replyBytes?: number): Fault {
  return cut(replyBytes, () => Promise.reject(new Error("A fault resets this connection")));
}

/** Ends the connection cleanly, at the same points as {@linkcode resetPeer}. */
export function limitData(replyBytes?: number): Fault {
  return cut(replyBytes, () => Promise.reject(new ConnectionEnd()));
}

/** Says nothing more and keeps the connection open, from the same points on as {@linkcode resetPeer}. */
export function timeout(replyBytes?: number): Fault {
  return cut(replyBytes, ({ signal }) => gone(signal));
}

/** The reply comes `delayMs` later. */
export function latency(delayMs: number): Fault {
  return async (request, forward) => {
    const reply = await forward(request);
    await sleep(delayMs, undefined, { signal: request.signal });
    return reply;
  };
}

/** The reply's body comes byte by byte, each `intervalMs` after the one before. */
export function slicer(intervalMs: number): Fault {
  return changeReplyBody(async function* (body, { signal }) {
    for await (const piece of body) {
      for (let i = 0; i < piece.length; i++) {
        yield piece.subarray(i, i + 1);
        await sleep(intervalMs, undefined, { signal });
      }
    }
  });
}

/** Changes the byte at `position` of the reply's body, if it is that long. */
export function corruptReply(position: number): Fault {
  return changeReplyBody((body) => corrupt(body, position));
}

/** Changes the byte at `position` of the request's body, if it is that long. */
export function corruptRequest(position: number): Fault {
  return (request, forward) => forward({ ...request, body: corrupt(request.body, position) });
}

/** Leaves out the last bytes of the reply's body, as if the object were that much shorter. */
export function shortenReply(bytes: number): Fault {
  return async (request, forward) => {
    const reply = await forward(request);
    const whole = await collect(reply.body);
    const body = whole.subarray(0, Math.max(0, whole.length - bytes));
    const headers = changed(reply.headers, {
      "content-length": String(body.length),
      "transfer-encoding": undefined,
    });
    return { ...reply, headers, body: only(body) };
  };
}

/** Header values by name; `undefined` removes a header. */
export type HeaderChanges = Readonly<Record<string, string | undefined>>;

/** The server sees other headers. Whatever signs them does not fit any more. */
export function changeRequestHeaders(changes: HeaderChanges): Fault {
  return (request, forward) => forward({ ...request, headers: changed(request.headers, changes) });
}

/** The client sees other headers. */
export function changeReplyHeaders(changes: HeaderChanges): Fault {
  return async (request, forward) => {
    const reply = await forward(request);
    return { ...reply, headers: changed(reply.headers, changes) };
  };
}

/** Holds exchanges until they are released. */
export class Gate {
  readonly #arrival = Promise.withResolvers<void>();
  readonly #release = Promise.withResolvers<void>();
  readonly #point: "request" | "reply";

  /** Holds requests before the server sees them, or replies before the client does. */
  constructor(point: "request" | "reply") {
    this.#point = point;
  }

  /** Resolves when a whole request, or the reply to one, is held. */
  readonly arrived: Promise<void> = this.#arrival.promise;

  /** Lets everything pass that is held now or comes later. */
  readonly release: () => void = this.#release.resolve;

  /** The fault that holds. A request whose client leaves meanwhile is not carried out. */
  readonly hold: Fault = async (request, forward) => {
    if (this.#point === "reply") {
      const reply = await forward(request);
      await this.#pass(request);
      return reply;
    }
    const body = only(await collect(request.body));
    await this.#pass(request);
    return await forward({ ...request, body });
  };

  async #pass({ signal }: ProxiedRequest): Promise<void> {
    this.#arrival.resolve();
    await Promise.race([this.#release.promise, gone(signal)]);
  }
}

async function collect(body: Body): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(body));
}

async function* only(body: Buffer): AsyncGenerator<Buffer> {
  if (body.length > 0) yield body;
}

/** Rejects when the signal is aborted. */
function gone(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}

function changeReplyBody(change: (body: Body, request: ProxiedRequest) => Body): Fault {
  return async (request, forward) => {
    const reply = await forward(request);
    return { ...reply, body: change(reply.body, request) };
  };
}

function cut(
  replyBytes: number | undefined,
  end: (request: ProxiedRequest) => Promise<never>,
): Fault {
  if (replyBytes !== undefined) {
    return changeReplyBody((body, request) => cutAfter(body, replyBytes, () => end(request)));
  }
  return async (request) => {
    await drain(request.body);
    return await end(request);
  };
}

async function* cutAfter(
  body: Body,
  bytes: number,
  end: () => Promise<never>,
): AsyncGenerator<Buffer> {
  let leftBytes = bytes;
  if (leftBytes > 0) {
    for await (const piece of body) {
      yield piece.subarray(0, leftBytes);
      leftBytes -= piece.length;
      if (leftBytes <= 0) break;
    }
  }
  await end();
}

async function* corrupt(body: Body, position: number): AsyncGenerator<Buffer> {
  let index = position;
  for await (const piece of body) {
    const copy = Buffer.from(piece);
    if (index >= 0 && index < copy.length) copy[index]! ^= 1;
    index -= copy.length;
    yield copy;
  }
}

function changed(headers: readonly HeaderLine[], changes: HeaderChanges): readonly HeaderLine[] {
  const names = Object.keys(changes).map((name) => name.toLowerCase());
  const kept = headers.filter(([name]) => !names.includes(name.toLowerCase()));
  const added = Object.entries(changes).flatMap(([name, value]): HeaderLine[] =>
    value === undefined ? [] : [[name, value]]
  );
  return [...kept, ...added];
}
