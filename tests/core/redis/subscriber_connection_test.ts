import assert from "node:assert/strict";
import { test } from "node:test";
import { CACHE_AREA } from "../../../cache/adapters/redis/cache_area.ts";
import type { MessageListener } from "../../../core/redis/subscriber.ts";
import { SubscriberConnection } from "../../../core/redis/subscriber_connection.ts";
import { ManualClock } from "../../conformance/manual_clock.ts";
import { until } from "../../support/until.ts";

/** A connection that was made, and what the test does with it. */
class Made {
  readonly signal: AbortSignal;
  readonly onBroken: (error: unknown) => void;
  /** What was asked for, in order. */
  readonly asked: string[] = [];
  readonly listeners = new Map<string, MessageListener>();
  pings = 0;
  destroyed = false;
  /** Settles the pings; they hang while it is missing. */
  answer?: () => Promise<unknown>;

  constructor(signal: AbortSignal, onBroken: (error: unknown) => void) {
    this.signal = signal;
    this.onBroken = onBroken;
  }

  /** Sends a message to a channel. */
  say(text: string, name = "channel channel"): void {
    this.listeners.get(name)?.(name.split(" ")[1] ?? "", new TextEncoder().encode(text));
  }
}

/** As the package `redis` names its error replies. */
class SimpleError extends Error {}

/** A server that the test plays. */
class Server {
  readonly clock = new ManualClock();
  readonly made: Made[] = [];
  readonly heard: string[] = [];
  readonly counts: string[] = [];
  gaps = 0;
  /** How attempts to connect end; they hang while it is missing. */
  accept?: () => Promise<void>;
  /** How a subscription ends. */
  confirm: (name: string, made: Made) => Promise<void> = () => Promise.resolve();

  /** Connects and subscribes to the channel. */
  async connect(): Promise<SubscriberConnection> {
    const connection = await this.open();
    await this.add(connection);
    return connection;
  }

  open(): Promise<SubscriberConnection> {
    const gap = (): void => {
      this.gaps++;
      this.heard.push("gap");
    };
    return SubscriberConnection.open({
      area: CACHE_AREA,
      open: async (signal, onBroken) => {
        const made = new Made(signal, onBroken);
        this.made.push(made);
        await (this.accept?.() ?? new Promise(() => {}));
        return {
          add: async (kind, name, listener) => {
            made.asked.push(`+${kind} ${name}`);
            await this.confirm(name, made);
            made.listeners.set(`${kind} ${name}`, listener);
          },
          remove: (kind, name) => {
            made.asked.push(`-${kind} ${name}`);
            made.listeners.delete(`${kind} ${name}`);
            return Promise.resolve();
          },
          ping: () => {
            made.pings++;
            return made.answer?.() ?? new Promise(() => {});
          },
          destroy: () => {
            made.destroyed = true;
          },
        };
      },
      onLost: gap,
      onRestored: gap,
      connectTimeoutMs: 2_000,
      clock: this.clock,
      observer: { log: () => {}, count: (name) => this.counts.push(name), duration: () => {} },
    });
  }

  add(
    connection: SubscriberConnection,
    kind: "channel" | "pattern" = "channel",
    name = "channel",
  ): Promise<void> {
    const listener: MessageListener = (_, bytes) => {
      this.heard.push(new TextDecoder().decode(bytes));
    };
    return connection.add(kind, name, listener, { operation: "subscribe", timeoutMs: 1_000 });
  }
}

function open(): Server {
  const server = new Server();
  server.accept = () => Promise.resolve();
  return server;
}

/** Lets what is settled have its effects. */
function settle(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 1));
}

test("messages are heard until it is closed, and there is no gap at the beginning", async () => {
  const server = open();
  const connection = await server.connect();
  server.made[0]?.say("a");
  connection.close();
  connection.close();
  assert.deepEqual(server.heard, ["a"]);
  assert.equal(server.gaps, 0);
  assert.equal(server.made[0]?.destroyed, true);
  assert.equal(server.clock.pendingTimers, 0);
});

test("a connection that is there in the moment of the close is destroyed, too", async () => {
  for (let moment = 0; moment < 15; moment++) {
    const server = open();
    const connection = await server.connect();
    server.made[0]?.onBroken(new Error("it broke"));
    for (let i = 0; i < moment; i++) await Promise.resolve();
    connection.close();
    await settle();
    assert.ok(server.made.every((one) => one.destroyed), `closed at moment ${moment}`);
  }
});

test("a connection that breaks is thrown away, and there is a gap then and when a new one is there", async () => {
  const server = open();
  const connection = await server.connect();
  server.accept = () => Promise.reject(new Error("refused"));
  server.made[0]?.onBroken(new Error("reset"));
  server.made[0]?.onBroken(new Error("ended"));
  assert.equal(server.made[0]?.destroyed, true);
  assert.equal(server.gaps, 1);
  assert.deepEqual(server.counts, ["cache.subscription_lost"]);
  server.accept = () => Promise.resolve();
  await until("a new connection is there", () => {
    server.clock.advance(50);
    return server.gaps === 2;
  });
  server.made.at(-1)?.say("after");
  assert.deepEqual(server.heard, ["gap", "gap", "after"]);
  connection.close();
});

test("a server that was away for long is found again within a few seconds of its return", async () => {
  const server = open();
  const connection = await server.connect();
  const attemptsMs: number[] = [];
  server.accept = () => {
    attemptsMs.push(server.clock.monotonic());
    return Promise.reject(new Error("refused"));
  };
  server.made[0]?.onBroken(new Error("reset"));
  for (let step = 0; step < 3_000; step++) {
    server.clock.advance(100);
    for (let turn = 0; turn < 10; turn++) await Promise.resolve();
  }
  const pauses = attemptsMs.slice(1).map((atMs, i) => atMs - attemptsMs[i]!);
  assert.ok(pauses.length > 100 && Math.max(...pauses) < 2_300, `${Math.max(...pauses)} ms`);
  connection.close();
});

test("a server that does not answer a ping within a second is given up", async () => {
  const server = open();
  const connection = await server.open();
  const [first] = server.made;
  assert.ok(first);
  server.clock.advance(2_999);
  assert.equal(first.pings, 0);
  server.clock.advance(1);
  assert.equal(first.pings, 1);
  server.clock.advance(999);
  assert.equal(first.destroyed, false);
  server.clock.advance(1);
  assert.equal(first.destroyed, true);
  assert.equal(server.gaps, 1);
  await until("it is replaced", () => server.gaps === 2);
  connection.close();
});

test("a server that answers is asked again every three seconds, and kept", async () => {
  const server = open();
  const connection = await server.open();
  const [first] = server.made;
  assert.ok(first);
  first.answer = () => Promise.resolve("PONG");
  for (let i = 0; i < 5; i++) {
    server.clock.advance(3_000);
    await settle();
  }
  assert.equal(first.pings, 5);
  assert.equal(server.made.length, 1);
  connection.close();
});

test("a ping that is refused breaks the connection", async () => {
  const server = open();
  const connection = await server.open();
  const [first] = server.made;
  assert.ok(first);
  first.answer = () => Promise.reject(new Error("LOADING"));
  server.clock.advance(3_000);
  await until("there is a gap", () => server.gaps > 0);
  assert.equal(first.destroyed, true);
  connection.close();
});

test("the first connection is tried once, and its failure is an error of the cache", async () => {
  const server = new Server();
  server.accept = () =>
    Promise.reject(Object.assign(new Error("x://user:secret@"), { code: "ECONNREFUSED" }));
  await assert.rejects(server.open(), (error: Error & { code?: string }) => {
    assert.equal(error.code, "unavailable");
    assert.doesNotMatch(`${error.message}${error.cause}`, /secret/);
    return true;
  });
  assert.equal(server.made.length, 1);
  assert.equal(server.clock.pendingTimers, 0);
});

test("an attempt that takes longer than connectTimeoutMs is given up, and what comes of it is destroyed", async () => {
  const server = new Server();
  let accept = (): void => {};
  server.accept = () => new Promise((resolve) => accept = resolve);
  const connecting = assert.rejects(server.open(), { code: "timeout" });
  server.clock.advance(2_000);
  await connecting;
  assert.equal(server.made[0]?.signal.aborted, true);
  accept();
  await until("it is destroyed", () => server.made[0]?.destroyed === true);
});

test("a connection that broke before it was ready is none", async () => {
  const server = new Server();
  server.accept = () => {
    server.made[0]?.onBroken(undefined);
    return Promise.resolve();
  };
  await assert.rejects(server.open(), { code: "unavailable" });
  assert.equal(server.made[0]?.destroyed, true);
  assert.equal(server.gaps, 0);
});

test("new connections are tried until one works, two seconds apart at most", async () => {
  const server = open();
  const connection = await server.connect();
  server.accept = () => Promise.reject(new Error("refused"));
  server.made[0]?.onBroken(new Error("reset"));
  for (let attempts = 2; attempts < 12; attempts++) {
    await until("there is another attempt", () => server.made.length >= attempts);
    await settle();
    server.clock.advance(2_000);
  }
  server.accept = () => Promise.resolve();
  await until("it works", () => {
    server.clock.advance(50);
    return server.gaps === 2;
  });
  connection.close();
});

test("closing ends the attempts and their pauses", async () => {
  for (const accept of [undefined, () => Promise.reject(new Error("refused"))]) {
    const server = open();
    const connection = await server.connect();
    server.accept = accept as () => Promise<void>;
    server.made[0]?.onBroken(new Error("reset"));
    await settle();
    connection.close();
    await settle();
    const attempts = server.made.length;
    server.clock.advance(60_000);
    await settle();
    assert.equal(server.made.length, attempts);
    assert.equal(server.clock.pendingTimers, 0);
    assert.equal(server.gaps, 1);
  }
});

test("a subscription is there when the server has confirmed it", async () => {
  const server = open();
  const connection = await server.open();
  let confirm = (): void => {};
  server.confirm = () => new Promise((resolve) => confirm = resolve);
  let isThere = false;
  const added = server.add(connection).then(() => isThere = true);
  await settle();
  assert.equal(isThere, false);
  confirm();
  await added;
  server.made[0]?.say("a");
  assert.deepEqual(server.heard, ["a"]);
  connection.close();
});

test("a subscription that the server refuses or does not confirm is none", async () => {
  const server = open();
  const connection = await server.open();
  server.confirm = () => Promise.reject(new SimpleError("NOPERM no"));
  await assert.rejects(server.add(connection), { code: "permission_denied" });
  server.confirm = () => new Promise(() => {});
  const waiting = assert.rejects(server.add(connection, "pattern", "p*"), { code: "timeout" });
  server.clock.advance(1_000);
  await waiting;
  assert.deepEqual(server.made[0]?.asked.slice(-1), ["-pattern p*"]);
  server.confirm = () => Promise.resolve();
  server.made[0]?.onBroken(new Error("reset"));
  await until("there is a new connection", () => server.made.length === 2 && connection.isReady);
  assert.deepEqual(server.made[1]?.asked, []);
  connection.close();
});

test("a new connection has every subscription before it hands on what it hears", async () => {
  const server = open();
  const connection = await server.connect();
  await server.add(connection, "pattern", "p*");
  const gates = new Map<string, () => void>();
  server.confirm = (name) => new Promise((resolve) => gates.set(name, resolve));
  server.made[0]?.onBroken(new Error("reset"));
  await until("it subscribes again", () => gates.size === 2);
  gates.get("channel")?.();
  await settle();
  server.made[1]?.say("early");
  assert.deepEqual(server.heard, ["gap"]);
  gates.get("p*")?.();
  await until("it is there", () => connection.isReady);
  server.made[1]?.say("late", "pattern p*");
  assert.deepEqual(server.heard, ["gap", "gap", "early", "late"]);
  connection.close();
});

test("what is wanted or given up while there is no connection is so on the next", async () => {
  const server = open();
  const connection = await server.connect();
  let accept = (): void => {};
  server.accept = () => new Promise((resolve) => accept = resolve);
  server.made[0]?.onBroken(new Error("reset"));
  const added = server.add(connection, "pattern", "p*");
  connection.remove("channel", "channel");
  accept();
  await added;
  assert.deepEqual(server.made[1]?.asked, ["+pattern p*"]);
  connection.close();
});

test("a subscription that is given up while it is restored goes again", async () => {
  const server = open();
  const connection = await server.connect();
  let confirm = (): void => {};
  server.confirm = () => new Promise((resolve) => confirm = resolve);
  server.made[0]?.onBroken(new Error("reset"));
  await until("it subscribes again", () => server.made[1]?.asked.length === 1);
  connection.remove("channel", "channel");
  confirm();
  await until("it is there", () => connection.isReady);
  assert.deepEqual(server.made[1]?.asked, ["+channel channel", "-channel channel"]);
  server.made[1]?.say("after");
  assert.deepEqual(server.heard, ["gap", "gap"]);
  connection.close();
});

test("a server that refuses what it had confirmed is asked again", async () => {
  const server = open();
  const connection = await server.connect();
  server.confirm = () => Promise.reject(new SimpleError("NOPERM no"));
  server.made[0]?.onBroken(new Error("reset"));
  await until("it was refused", () => server.made[1]?.destroyed === true);
  server.confirm = () => Promise.resolve();
  await until("it is there", () => {
    server.clock.advance(50);
    return connection.isReady;
  });
  server.made.at(-1)?.say("after");
  assert.equal(server.heard.at(-1), "after");
  connection.close();
});

test("a closed connection takes no subscriptions, and those that wait end", async () => {
  const server = open();
  const connection = await server.open();
  server.confirm = () => new Promise(() => {});
  const waiting = assert.rejects(server.add(connection), { code: "closed" });
  connection.close();
  await waiting;
  await assert.rejects(server.add(connection), { code: "closed" });
});
