import assert from "node:assert/strict";
import { InfrastructureError } from "../../../core/errors.ts";
import type { EventBus, MessagingCapabilities } from "../../../messaging/messaging.ts";
import type { TestFn } from "../test_fn.ts";

/** An adapter of the `EventBus` port, as its conformance suite needs it. */
export interface MessagingHarness {
  /** The name of the adapter, in front of every test. */
  readonly name: string;
  /** What the adapter says it can do, which selects the tests. */
  readonly capabilities: MessagingCapabilities;
  /** Creates a bus for one test, which closes it. Buses may share a server. */
  create(): Promise<EventBus>;
}

/** Says by name what a bus does, each on a bus and a channel that no other scenario uses. */
export type Scenarios = Readonly<Record<string, (bus: EventBus, channel: string) => Promise<void>>>;

/** Registers a test for every scenario. */
export function registerScenarios(
  test: TestFn,
  harness: MessagingHarness,
  scenarios: Scenarios,
): void {
  for (const [name, run] of Object.entries(scenarios)) {
    test(`${harness.name}: ${name}`, async () => {
      const bus = await harness.create();
      assert.deepEqual(bus.capabilities, harness.capabilities);
      const runAndClose = async (): Promise<void> => {
        try {
          await run(bus, uniqueChannel());
        } finally {
          // A failed scenario may leave a handler behind; its failure is the one to show.
          await bus.close({ timeoutMs: 200 }).catch(() => {});
        }
      };
      await soon(runAndClose(), () => "the scenario", 30_000);
    });
  }
}

/** A channel that nobody else uses, also on a server with other guests. */
export function uniqueChannel(): string {
  return `conformance:${crypto.randomUUID()}`;
}

/** Keeps what a handler receives, and waits for it. */
export class Recorder<T> {
  /** What was received so far. */
  readonly values: T[] = [];
  #waiting: (() => void)[] = [];

  /** Receives a value; may be handed over as a handler. */
  readonly add = (value: T): void => {
    this.values.push(value);
    for (const check of this.#waiting) check();
  };

  /** Resolves with the values as soon as there are `count` of them. */
  until(count: number): Promise<readonly T[]> {
    const reached = new Promise<readonly T[]>((resolve) => {
      const check = (): void => {
        if (this.values.length >= count) resolve(this.values);
      };
      this.#waiting.push(check);
      check();
    });
    return soon(reached, () => `${count} values, there are ${this.values.length}`);
  }
}

/** A promise and the function that resolves it. */
export interface Gate {
  /** Resolves when the gate is opened. */
  readonly opened: Promise<void>;
  /** Opens the gate. */
  open(): void;
}

/** Creates a closed gate. */
export function gate(): Gate {
  let open = (): void => {};
  const opened = new Promise<void>((resolve) => open = resolve);
  return { opened, open };
}

/** Waits for `promise`, but not for ever, so that no suite hangs. Keeps the process alive. */
export function soon<T>(
  promise: Promise<T>,
  what: () => string,
  timeoutMs: number = 10_000,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new Error(`Cannot wait for ${what()}: ${timeoutMs} ms passed`)),
      timeoutMs,
    );
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

/**
 * Resolves when everything that was published to `bus` has reached the handlers, and closes it: first
 * an event of its own has to come through, then the bus has to be done with what it accepted.
 */
export async function closeQuietly(bus: EventBus): Promise<void> {
  const channel = uniqueChannel();
  const last = new Recorder<unknown>();
  await bus.subscribe(channel, last.add);
  await bus.publish(channel, "last");
  await last.until(1);
  await bus.close();
}

/** Asserts that a call rejects with an error of the library that has this code. */
export async function rejectsWith(
  call: Promise<unknown>,
  code: string,
  field?: string,
): Promise<void> {
  await assert.rejects(call, (error: unknown) => {
    assert.ok(error instanceof InfrastructureError, String(error));
    assert.equal(error.code, code, error.message);
    if (field !== undefined) assert.equal((error as { field?: unknown }).field, field);
    return true;
  });
}
