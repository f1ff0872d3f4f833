import { Buffer } from "node:buffer";
import type { Socket } from "node:net";

/** Two sockets with the proxy between them. */
export interface ProxiedConnection {
  /** To whoever connected. */
  readonly client: Socket;
  /** To the server. */
  readonly server: Socket;
  /** Whether the connection has swallowed data; it then swallows its end, too. */
  silent: boolean;
  /** Ends the connection on both sides with a reset, as a crash of the other machine's kernel does. */
  reset(): void;
}

/** What passes on of the data that goes to the server (`request`) or comes from it (`reply`). */
export type ToxicState = (data: Buffer, direction: "request" | "reply") => Buffer | Promise<Buffer>;

/** A way to harm connections: called once for each, as soon as data passes, to keep its state. */
export type Toxic = (connection: ProxiedConnection) => ToxicState;

const NOTHING = Buffer.alloc(0);

/** Replies come `delayMs` later. */
export function latency(delayMs: number): Toxic {
  return () => async (data, direction) => {
    if (direction === "reply") await new Promise((resolve) => setTimeout(resolve, delayMs));
    return data;
  };
}

/** A black hole: nothing passes, in either direction, and connections stay open. */
export function timeout(): Toxic {
  return (connection) => () => swallow(connection);
}

/** Resets the connection after `replyBytes` bytes of replies; at the first request by default. */
export function resetPeer(replyBytes = 0): Toxic {
  return (connection) =>
    cutAfter(replyBytes, (lastPiece) => {
      connection.client.write(lastPiece);
      connection.reset();
    });
}

/** Ends the connection cleanly after `replyBytes` bytes of replies. */
export function limitData(replyBytes: number): Toxic {
  return (connection) => cutAfter(replyBytes, (lastPiece) => connection.client.end(lastPiece));
}

/** At the first request the server side says that it is done sending, and never replies. */
export function halfClose(): Toxic {
  return (connection) => (data, direction) => {
    if (direction === "reply") return NOTHING;
    connection.client.end();
    return data;
  };
}

/** The request that matches is carried out, but its reply is lost and the connection is reset. */
export function swallowReply(match: RegExp): Toxic {
  return (connection) =>
    afterMatch(match, () => {
      connection.reset();
      return NOTHING;
    });
}

/** The request that matches is carried out; from its reply on, the connection is a black hole. */
export function blackholeAfter(match: RegExp): Toxic {
  return (connection) => afterMatch(match, () => swallow(connection));
}

function swallow(connection: ProxiedConnection): Buffer {
  connection.silent = true;
  return NOTHING;
}

function cutAfter(replyBytes: number, cut: (lastPiece: Buffer) => void): ToxicState {
  let leftBytes = replyBytes;
  let done = false;
  return (data, direction) => {
    if (done) return NOTHING;
    if (direction === "request" && leftBytes > 0) return data;
    if (direction === "reply" && data.length < leftBytes) {
      leftBytes -= data.length;
      return data;
    }
    done = true;
    cut(direction === "reply" ? data.subarray(0, leftBytes) : NOTHING);
    return NOTHING;
  };
}

/** The match must lie within one piece of data, as the text of a short statement does. */
function afterMatch(match: RegExp, onReply: () => Buffer): ToxicState {
  let matched = false;
  return (data, direction) => {
    if (direction === "reply") return matched ? onReply() : data;
    matched ||= match.test(data.toString("latin1"));
    return data;
  };
}
