import { type Backoff, pauseMs } from "../backoff.ts";
import { settleWithin } from "../call_options.ts";
import type { Clock } from "../clock.ts";
import { InfrastructureError } from "../errors.ts";
import type { Observer } from "../observer.ts";
import type { RedisChannel, RedisCommand, RedisTarget } from "./channel.ts";
import { PendingCalls, type RedisCall } from "./pending_calls.ts";
import type { RedisArea } from "./redis_area.ts";
import type { RedisCommands } from "./redis_commands.ts";
import {
  closedError,
  interruptedError,
  isElsewhere,
  lostError,
  overloadedError,
  replyCode,
  toConnectError,
  toRedisError,
} from "./redis_error.ts";

/** How a {@linkcode RedisConnection} behaves. */
export interface ConnectionSettings {
  /** Whose connection it is. */
  readonly area: RedisArea;
  /** What to connect to. */
  readonly target: RedisTarget;
  /** How long one attempt to connect may take, in milliseconds. */
  readonly connectTimeoutMs: number;
  /** Measures deadlines. */
  readonly clock: Clock;
  /** Hears of lost connections. */
  readonly observer: Observer;
  /** Does what has to be done on a new connection before it is used; if it rejects, that one is given up. */
  readonly prepare: (channel: RedisChannel) => Promise<void>;
  /**
   * Whether its commands may block on the server, such as `XREADGROUP` with `BLOCK`: it is not tried while one is under
   * way, whose own deadline, after the end of the block, tells that the server is away. Default: false.
   */
  readonly blocking?: boolean;
}

/** A reply that is this old when it, or one behind it, is late: nobody else should wait. */
const SUSPECT_MS = 200;

/** A reply that is late by its deadline and this old: the connection is given up. */
const BROKEN_MS = 1_000;

/** The same for a reply that has time left, if one behind it is late. */
const STUCK_MS = 5_000;

/** How often the connection is tried, so that a dead one is replaced before it is needed. */
const HEARTBEAT_MS = 3_000;

/** With this bound, a server that is back is found again within 5 s. */
export const RECONNECT_BACKOFF: Backoff = { baseMs: 50, maxMs: 2_000 };

/** Above this many replies that have not come, further calls are refused. */
const MAX_PENDING = 65_536;

/**
 * A connection that replaces itself. Every call settles by its deadline, whatever the server does; the
 * client's own timeout ends with the sending of a command.
 *
 * While the next reply is late, further calls fail at once instead of waiting behind it. When it stays
 * away, or the client reports any error, the connection is thrown away with everything that waits on it,
 * so that no reply reaches a caller that it is not for, and new ones are tried until one works.
 */
export class RedisConnection implements RedisCommands {
  readonly #settings: ConnectionSettings;
  readonly #pending: PendingCalls;
  readonly #closing = new AbortController();
  #channel: RedisChannel | undefined;
  #suspect = false;
  /** The attempt that calls wait for: the first after a connection broke. */
  #attempt: Promise<void> | undefined;
  #failure: InfrastructureError | undefined;
  #movedAtMs = -Infinity;
  #cancelHeartbeat = (): void => {};

  private constructor(settings: ConnectionSettings) {
    this.#settings = settings;
    this.#pending = new PendingCalls(settings.area, settings.clock, {
      onReply: () => this.#suspect = false,
      onLate: (ageMs, isDue) => this.#late(ageMs, isDue),
    });
  }

  /** Connects, or rejects with a {@linkcode InfrastructureError}. */
  static async open(settings: ConnectionSettings): Promise<RedisConnection> {
    const connection = new RedisConnection(settings);
    try {
      await connection.#connect();
    } catch (error) {
      connection.close();
      throw error;
    }
    connection.#scheduleHeartbeat();
    return connection;
  }

  /** Whether commands can be sent now. */
  get isReady(): boolean {
    return this.#channel !== undefined && !this.#suspect;
  }

  /** The time of the clock that deadlines are measured by. */
  get nowMs(): number {
    return this.#settings.clock.monotonic();
  }

  /** Whether a command with several keys needs them to be in one slot. */
  get sharded(): boolean {
    return this.#settings.target.sharded;
  }

  /**
   * Sends a command and resolves with the reply; texts in it are bytes. Rejects with a
   * {@linkcode InfrastructureError}: without a usable connection at once, but after the first attempt at a new one.
   */
  send(command: RedisCommand, call: RedisCall): Promise<unknown> {
    const channel = this.#channel;
    if (channel === undefined || this.#suspect) return this.#sendLater(command, call);
    return this.#dispatch(channel, command, call);
  }

  /** Runs `use` for one master after the other. */
  async forEachMaster(
    use: (send: (args: readonly string[]) => Promise<unknown>) => Promise<void>,
    call: RedisCall,
  ): Promise<void> {
    const channel = await this.#usable(call);
    // Not a command, but it can take as long as one, for a node may have to be connected to.
    const find = (): Promise<unknown> => channel.masters();
    const masters = await this.#dispatch(channel, { args: [], readOnly: true }, call, find);
    for (const master of masters as Awaited<ReturnType<RedisChannel["masters"]>>) {
      await use((args) =>
        this.#dispatch(channel, { args, readOnly: true }, call, () => master(args))
      );
    }
  }

  /** Rejects everything that waits and ends the connection. Idempotent. */
  close(): void {
    this.#closing.abort();
    this.#cancelHeartbeat();
    this.#drop((operation) => closedError(this.#settings.area, operation));
  }

  async #sendLater(command: RedisCommand, call: RedisCall): Promise<unknown> {
    const channel = await this.#usable(call);
    return this.#dispatch(channel, command, call);
  }

  async #dispatch(
    channel: RedisChannel,
    command: RedisCommand,
    call: RedisCall,
    run: () => Promise<unknown> = () => channel.send(command),
  ): Promise<unknown> {
    if (this.#pending.size >= MAX_PENDING) {
      throw overloadedError(this.#settings.area, call.operation, MAX_PENDING);
    }
    const sentAtMs = this.nowMs;
    const endMs = call.endMs ?? sentAtMs + call.timeoutMs;
    try {
      return await this.#pending.wait(run(), call, sentAtMs);
    } catch (error) {
      if (isElsewhere(error)) this.#moved(channel, error);
      // The client gave up without a word of its own: what it does with the next command is unknown.
      else if (!this.sharded && isLost(error)) this.#break(channel, this.#reason(error));
      if (command.repeatable && channel !== this.#channel && isLost(error) && this.nowMs < endMs) {
        return this.#sendLater({ ...command, repeatable: false }, { ...call, endMs });
      }
      throw toRedisError(this.#settings.area, error, {
        operation: call.operation,
        mayHaveRun: !command.readOnly,
      });
    }
  }

  /** The channel, now or after the attempt that is under way; rejects when there is none to be used. */
  async #usable(call: RedisCall): Promise<RedisChannel> {
    const { operation, signal, timeoutMs, endMs } = call;
    if (!this.#channel && this.#attempt) {
      await settleWithin(
        this.#attempt,
        { signal, defaultTimeoutMs: timeoutMs, endMs, clock: this.#settings.clock },
        (interruption) => interruptedError(this.#settings.area, operation, interruption),
      );
    }
    if (this.#closing.signal.aborted) throw closedError(this.#settings.area, operation);
    if (this.#channel && !this.#suspect) return this.#channel;
    const why = this.#channel
      ? "the server does not answer"
      : "there is no connection to the server";
    throw new this.#settings.area.errorClass(`Cannot start ${operation}: ${why}`, {
      code: this.#channel ? "unavailable" : this.#failure?.code ?? "unavailable",
      operation,
      retryable: true,
      cause: this.#failure,
    });
  }

  #late(ageMs: number, isDue: boolean): void {
    if (ageMs < SUSPECT_MS) return;
    this.#suspect = true;
    if (ageMs >= (isDue ? BROKEN_MS : STUCK_MS) && this.#channel) {
      this.#break(this.#channel, "the server does not answer");
    }
  }

  /** Another connection may lead to a server that can do what this one refused. */
  #moved(channel: RedisChannel, error: unknown): void {
    const { nowMs } = this;
    if (nowMs - this.#movedAtMs < BROKEN_MS) return;
    this.#movedAtMs = nowMs;
    this.#break(channel, this.#reason(error));
  }

  #reason(error: unknown): string {
    const { area } = this.#settings;
    return toRedisError(area, error, { operation: area.connect, mayHaveRun: false }).message;
  }

  #break(channel: RedisChannel, why: string): void {
    if (channel !== this.#channel) return;
    const { area, observer } = this.#settings;
    // Behind a server that has not answered, nobody waits for another answer.
    const waits = !this.#suspect;
    this.#drop((operation) => lostError(area, operation));
    observer.count(`${area.name}.connection_lost`, 1);
    observer.log({
      level: "warn",
      message: `The connection to the ${area.name} server was lost`,
      attributes: { reason: why },
    });
    void this.#reconnect(waits);
  }

  /** Ends the channel; what waits for a reply rejects. */
  #drop(toError: (operation: string) => InfrastructureError): void {
    const channel = this.#channel;
    this.#channel = undefined;
    this.#suspect = false;
    this.#pending.failAll(toError);
    channel?.destroy();
  }

  async #reconnect(waits: boolean): Promise<void> {
    const { clock } = this.#settings;
    for (let attempt = 1; !this.#closing.signal.aborted; attempt++) {
      const connected = this.#connect().then(() => true, () => false);
      if (waits && attempt === 1) this.#attempt = connected.then(() => undefined);
      if (await connected) break;
      this.#attempt = undefined;
      const delayMs = pauseMs(attempt, RECONNECT_BACKOFF);
      await new Promise<void>((resolve) => clock.after(delayMs, resolve, { background: true }));
    }
    this.#attempt = undefined;
  }

  async #connect(): Promise<void> {
    const { area, target, prepare, connectTimeoutMs, clock } = this.#settings;
    const gaveUp = new AbortController();
    let opened: RedisChannel | undefined;
    let broken: unknown;
    const connecting = target.open(gaveUp.signal, (error) => {
      broken ??= error ?? new Error("it ended");
      if (opened) this.#break(opened, this.#reason(error));
    }).then(async (channel) => {
      opened = channel;
      await prepare(channel);
      if (broken !== undefined) throw broken;
      return channel;
    });
    try {
      this.#channel = await settleWithin(
        connecting,
        { signal: this.#closing.signal, defaultTimeoutMs: connectTimeoutMs, clock },
        (interruption) => interruptedError(area, area.connect, interruption),
      );
      this.#failure = undefined;
    } catch (error) {
      gaveUp.abort();
      opened?.destroy();
      this.#failure = toConnectError(area, error, area.connect, target.name);
      throw this.#failure;
    }
  }

  /**
   * Tries the connection now and then, so that a dead one is replaced before it is needed, also while a call waits
   * on it that has much time left.
   */
  #scheduleHeartbeat(): void {
    if (this.#closing.signal.aborted) return;
    const beat = (): void => {
      const isBlocked = this.#settings.blocking && this.#pending.size > 0;
      if (this.#channel && !isBlocked) {
        const ping = { args: ["PING"], readOnly: true };
        this.send(ping, { operation: "heartbeat", timeoutMs: BROKEN_MS }).catch(() => {});
      }
      this.#scheduleHeartbeat();
    };
    this.#cancelHeartbeat = this.#settings.clock.after(HEARTBEAT_MS, beat, { background: true });
  }
}

/** Whether the connection broke under the call; a reply, also of an error, or a deadline is something else. */
function isLost(error: unknown): boolean {
  return replyCode(error) === undefined &&
    (!(error instanceof InfrastructureError) || error.code === "unavailable");
}
