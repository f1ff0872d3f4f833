import type { Channel } from "amqplib";
import { delay } from "../../../core/backoff.ts";
import { settleWithin } from "../../../core/call_options.ts";
import type { Clock } from "../../../core/clock.ts";
import { interruptionError } from "../../interruption.ts";
import type { StreamCall } from "../../stream_driver.ts";
import type { RabbitMqConnection } from "./connection.ts";
import { replyCode } from "./rabbitmq_error.ts";
import { stepsOf } from "./steps.ts";

/** How soon to ask again whether another process is done. */
const PAUSE_MS = 20;

const RESOURCE_LOCKED = 405;

/**
 * Lets one do something at a time, of all processes: whoever has an exclusive queue keeps others from declaring
 * it, until it is deleted or its connection ends.
 */
export class RabbitMqTurns {
  readonly #connection: RabbitMqConnection;
  readonly #clock: Clock;
  readonly #last = new Map<string, Promise<void>>();

  /** Creates the turns that are taken over a connection. */
  constructor(connection: RabbitMqConnection, clock: Clock) {
    this.#connection = connection;
    this.#clock = clock;
  }

  /** Runs `use` while nobody else runs something under this name; waits for that until the deadline. */
  async take<T>(
    name: string,
    call: StreamCall,
    use: (step: () => StreamCall) => Promise<T>,
  ): Promise<T> {
    const step = stepsOf(call, this.#clock);
    // The queue is that of the connection, which is the same for all calls of this process.
    const before = this.#last.get(name) ?? Promise.resolve();
    let end = (): void => {};
    const over = new Promise<void>((resolve) => end = resolve);
    const mine = before.then(() => over);
    this.#last.set(name, mine);
    try {
      await this.#wait(before, step());
      await this.#lock(name, step);
      try {
        return await use(step);
      } finally {
        await this.#unlock(name);
      }
    } finally {
      end();
      if (this.#last.get(name) === mine) this.#last.delete(name);
    }
  }

  #wait(before: Promise<void>, { operation, signal, timeoutMs }: StreamCall): Promise<void> {
    const limits = { signal, defaultTimeoutMs: timeoutMs, clock: this.#clock };
    return settleWithin(
      before,
      limits,
      (interruption) => interruptionError(operation, interruption, BUSY),
    );
  }

  async #lock(name: string, step: () => StreamCall): Promise<void> {
    try {
      while (!await this.#connection.withChannel(step(), (one) => tryToDeclare(one, name))) {
        await this.#wait(delay(PAUSE_MS, undefined, this.#clock), step());
      }
    } catch (error) {
      // Nobody waits for the answer any more, and it may have been yes.
      void this.#unlock(name);
      throw error;
    }
  }

  /** When that fails, the end of the connection does it. */
  async #unlock(name: string): Promise<void> {
    const call = { operation: "end a turn", timeoutMs: 1_000 };
    await this.#connection.withChannel(call, (channel) => channel.deleteQueue(name)).catch(
      () => {},
    );
  }
}

const BUSY = { reason: "somebody else is at work on the same", outcome: "not-applied" } as const;

async function tryToDeclare(channel: Channel, name: string): Promise<boolean> {
  try {
    await channel.assertQueue(name, { exclusive: true, durable: false });
    return true;
  } catch (error) {
    if (replyCode(error) === RESOURCE_LOCKED) return false;
    throw error;
  }
}
