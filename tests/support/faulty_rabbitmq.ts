import assert from "node:assert/strict";
import { MessagingError } from "../../core/errors.ts";
import {
  RabbitMqStreamBus,
  type RabbitMqStreamBusConfig,
} from "../../messaging/adapters/rabbitmq.ts";
import type { Message } from "../../messaging/messaging.ts";
import type {
  StreamEntry,
  StreamProblem,
  StreamReader,
  StreamSubscribeOptions,
  StreamSubscription,
} from "../../messaging/streams.ts";
import { type RabbitMqClient, RabbitMqPlace, withRabbitMq } from "./rabbitmq.ts";
import { TcpProxy } from "./tcp_proxy.ts";
import { until } from "./until.ts";

/** A channel for tests; each test has a prefix of its own. */
export const CHANNEL = "events:benchmark";

/** A group for tests. */
export const GROUP = "boards";

/** A bus and what belongs to it. */
export interface OpenBus {
  readonly bus: RabbitMqStreamBus;
  readonly place: RabbitMqPlace;
  /** The problems of its subscriptions. */
  readonly problems: StreamProblem[];
  /** Uses a connection of its own to the server. */
  readonly admin: <T>(use: (client: RabbitMqClient) => Promise<T>) => Promise<T>;
}

/** Opens a bus with a prefix of its own; closes it and clears its place whatever happens. */
export async function withBus<T>(
  url: string,
  use: (open: OpenBus) => Promise<T>,
  config: RabbitMqStreamBusConfig = {},
): Promise<T> {
  const place = new RabbitMqPlace(url);
  const problems: StreamProblem[] = [];
  const onProblem = (problem: StreamProblem): unknown => problems.push(problem);
  const options = { url, prefix: place.prefix, onProblem, ...config };
  const bus = place.watch(await RabbitMqStreamBus.connect(options));
  try {
    return await use({ bus, place, problems, admin: (act) => withRabbitMq(url, act) });
  } finally {
    await bus.close({ timeoutMs: 500 });
    await place.clear();
  }
}

/** The same over a proxy that can be told to harm what passes. */
export async function withProxiedBus<T>(
  url: string,
  use: (open: OpenBus & { readonly proxy: TcpProxy }) => Promise<T>,
  config: RabbitMqStreamBusConfig = {},
): Promise<T> {
  const { hostname: host, port } = new URL(url);
  const proxy = await TcpProxy.start({ host, port: Number(port || 5672) });
  try {
    const through = { ...config, url: proxy.through(url) };
    return await withBus(url, (open) => use({ ...open, proxy }), through);
  } finally {
    await proxy[Symbol.asyncDispose]();
  }
}

/** A subscription that keeps what it gets. */
export async function recorded(
  { bus }: OpenBus,
  options: Partial<StreamSubscribeOptions> = {},
): Promise<{ readonly messages: Message[]; readonly subscription: StreamSubscription }> {
  const messages: Message[] = [];
  const keep = (message: Message): unknown => messages.push(message);
  const subscription = await bus.subscribe(CHANNEL, keep, { group: GROUP, ...options });
  return { messages, subscription };
}

/** Publishes to the channel for tests. */
export function publish(
  { bus }: OpenBus,
  payload: unknown,
  options: { readonly id?: string; readonly timeoutMs?: number; readonly signal?: AbortSignal } =
    {},
): Promise<string> {
  return bus.publish(CHANNEL, payload, { type: "tested", ...options });
}

/** Reads until there are so many entries. */
export async function readAll(reader: StreamReader, count: number): Promise<StreamEntry[]> {
  const entries: StreamEntry[] = [];
  await until(`${count} entries are there`, async () => {
    entries.push(...(await reader.read({ waitMs: 100 })).entries);
    return entries.length >= count;
  }, 20_000);
  return entries;
}

/** The ids of events. */
export function idsOf(messages: readonly { readonly id: string }[]): string[] {
  return [...new Set(messages.map(({ id }) => id))];
}

/** The error that a call rejects with. */
export async function failureOf(call: Promise<unknown>): Promise<MessagingError> {
  const error = await call.then(() => undefined, (reason) => reason);
  assert.ok(error instanceof MessagingError, `it must be a MessagingError, got ${String(error)}`);
  return error;
}
