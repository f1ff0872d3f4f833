import assert from "node:assert/strict";
import { MessagingError } from "../../core/errors.ts";
import { RedisEventBus } from "../../messaging/adapters/redis.ts";
import type { RedisEventBusConfig } from "../../messaging/adapters/redis.ts";
import type { DeliveryProblem, EventBus } from "../../messaging/messaging.ts";
import { Recorder } from "../conformance/messaging/support.ts";
import { Reports, withProxy } from "./faulty_redis.ts";
import type { PrivateRedis } from "./private_redis.ts";
import type { TcpProxy } from "./tcp_proxy.ts";

/** A bus and what belongs to it. */
export interface OpenBus {
  readonly bus: RedisEventBus;
  readonly reports: Reports;
}

/** Opens a bus and closes it whatever happens. */
export async function withBus<T>(
  config: RedisEventBusConfig,
  use: (open: OpenBus) => Promise<T>,
): Promise<T> {
  const reports = new Reports();
  const bus = await RedisEventBus.connect({ observer: reports, ...config });
  try {
    return await use({ bus, reports });
  } finally {
    // What failed before is the failure to show.
    await bus.close({ timeoutMs: 500 }).catch(() => {});
  }
}

/** A bus that reaches its server through a proxy, and one that goes straight to it. */
export function withProxiedBus<T>(
  server: PrivateRedis,
  config: RedisEventBusConfig,
  use: (open: OpenBus & { readonly proxy: TcpProxy; readonly other: RedisEventBus }) => Promise<T>,
): Promise<T> {
  return withProxy(server.port, (proxy) =>
    withBus({ url: server.url }, ({ bus: other }) =>
      withBus(
        { url: proxy.through(server.url), ...config },
        (open) => use({ ...open, proxy, other }),
      )));
}

/** What a subscription is given, in order: the payloads of messages, and `gap` or what else went wrong. */
export class Heard extends Recorder<string> {
  /** For the option `onProblem`. */
  readonly problem = (problem: DeliveryProblem): void => {
    if (problem.kind === "gap") assert.equal(problem.lost, undefined);
    this.add(problem.kind);
  };

  /** Subscribes to a channel. */
  subscribe(bus: EventBus, channel: string): ReturnType<EventBus["subscribe"]> {
    return bus.subscribe(channel, ({ payload }) => this.add(payload), { onProblem: this.problem });
  }

  /** Subscribes to a pattern. */
  psubscribe(bus: EventBus, pattern: string): ReturnType<EventBus["psubscribe"]> {
    return bus.psubscribe(pattern, ({ payload }) => this.add(payload), { onProblem: this.problem });
  }
}

/** The error of a call that has to fail. */
export async function failureOf(call: Promise<unknown>): Promise<MessagingError> {
  const error = await call.then(() => undefined, (error) => error);
  assert.ok(error instanceof MessagingError, `it did not fail so: ${error}`);
  return error;
}
