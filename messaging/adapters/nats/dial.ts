import { connect as connectSocket } from "node:net";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { settleWithin } from "../../../core/call_options.ts";
import { MessagingError } from "../../../core/errors.ts";
import { interruptionError } from "../../interruption.ts";
import type { NatsAddress, NatsSettings } from "./config.ts";
import { toMessagingError } from "./nats_error.ts";

/** How often the server is asked whether it is there; after three questions without an answer it is not. */
const PING_MS = 2_000;

const OPERATION = "connect to NATS";

/** Connects to the first server that can be reached, or rejects with a `MessagingError` within `connectTimeoutMs`. */
export async function dial(settings: NatsSettings): Promise<NatsConnection> {
  const { servers, connectTimeoutMs } = settings;
  let failure: unknown;
  for (const server of servers) {
    try {
      return await dialOne(server, connectTimeoutMs / servers.length, settings);
    } catch (error) {
      failure = error;
    }
  }
  throw toMessagingError(failure, { operation: OPERATION, mayHaveRun: false });
}

async function dialOne(
  server: NatsAddress,
  timeoutMs: number,
  { login, tls, prefix, clock }: NatsSettings,
): Promise<NatsConnection> {
  const endMs = clock.monotonic() + timeoutMs;
  const limits = { defaultTimeoutMs: timeoutMs, endMs, clock };
  const late = (why: Parameters<typeof interruptionError>[1]): MessagingError =>
    new MessagingError(
      interruptionError(OPERATION, why, { reason: "no answer", outcome: "not-applied" }).message,
      { code: "timeout", operation: OPERATION, retryable: true },
    );
  const greeting = new Greeting(server);
  await settleWithin(greeting.heard, limits, late).finally(() => greeting.end());
  const connecting = connect({
    ...login,
    servers: `${server.hostname}:${server.port}`,
    tls,
    name: prefix,
    timeout: timeoutMs,
    reconnect: false,
    ignoreClusterUpdates: true,
    pingInterval: PING_MS,
    maxPingOut: 3,
    noAsyncTraces: true,
  });
  return await settleWithin(connecting, limits, late).catch((error) => {
    connecting.then((nc) => nc.close(), () => {});
    throw error;
  });
}

/**
 * The first word of a server, on a connection of its own. The client of NATS never closes the connection to a server
 * that accepts it and then is silent, which keeps the process alive; so it is not led to one.
 */
class Greeting {
  /** Resolves when the server says something. */
  readonly heard: Promise<void>;
  /** Gives it up. */
  readonly end: () => void;

  constructor({ hostname, port }: NatsAddress) {
    const socket = connectSocket({ host: hostname.replace(/^\[(.*)\]$/, "$1"), port });
    this.end = () => void socket.destroy();
    this.heard = new Promise((resolve, reject) => {
      socket.once("data", () => resolve());
      socket.on("error", reject);
      socket.once("close", () => reject(new Error("the connection was closed")));
    });
  }
}
