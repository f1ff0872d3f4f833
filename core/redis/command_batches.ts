import process from "node:process";
import type { RedisChannel, RedisCommand } from "./channel.ts";
import { type ConnectionSettings, RedisConnection } from "./connection.ts";
import type { RedisCall } from "./pending_calls.ts";
import {
  ErrorReply,
  interruptedError,
  overloadedError,
  replyCode,
  toRedisError,
} from "./redis_error.ts";

/** How much one batch holds, so that the server does nothing else for a millisecond at most. */
const MAX_COMMANDS = 256;
const MAX_LENGTH = 262_144;

/** Above this many commands that are not settled, further ones are refused. */
const MAX_UNSETTLED = 65_536;

/**
 * Runs a command once for each of the last words. Stops at the first error: if nothing was carried out before, that is
 * the reply, else the reply is how many were and the error. What rights forbid in a script has no code of its own.
 */
const SCRIPT = `
local count = tonumber(ARGV[1])
local words = {unpack(ARGV, 2, count + 1)}
for i = count + 2, #ARGV do
  words[count + 1] = ARGV[i]
  local reply = redis.pcall(unpack(words))
  if type(reply) == 'table' and reply.err then
    local text = reply.err
    if string.find(text, 'The user executing') or string.find(text, 'ACL failure') then
      text = 'NOPERM ' .. text
    end
    local done = i - count - 2
    if done == 0 then return redis.error_reply(text) end
    return {done, text}
  end
end
return {}`;

/** How many commands of a batch were carried out, and what stopped the others. */
interface Outcome {
  readonly done: number;
  readonly error?: Error;
}

/** Commands that wait for the end of the turn. */
interface Batch {
  readonly command: RedisCommand;
  readonly call: RedisCall;
  readonly lastWords: (string | Uint8Array)[];
  readonly outcome: Promise<Outcome>;
  readonly settle: (outcome: Promise<Outcome>) => void;
  length: number;
}

/**
 * Sends commands together that differ in nothing but the last word, wait as long and are given in one turn of the event
 * loop: as one script, because a command costs the client, and the library its deadline, more than all else that there
 * is to do for an event. They take effect in the order of the calls; the first that fails fails those behind it, which
 * are not carried out.
 *
 * Where the server or the user's rights do not allow scripts, every command is sent on its own.
 */
export class CommandBatches {
  readonly #settings: ConnectionSettings;
  readonly #flush = (): void => this.#send();
  #connection: RedisConnection | undefined;
  #allowsScripts = false;
  #batch: Batch | undefined;
  #unsettled = 0;
  #onSettled = (): void => {};

  private constructor(settings: ConnectionSettings) {
    this.#settings = settings;
  }

  /** Connects, or rejects with an error of the area. */
  static async open(settings: ConnectionSettings): Promise<CommandBatches> {
    const batches = new CommandBatches(settings);
    const prepare = async (channel: RedisChannel): Promise<void> => {
      await settings.prepare(channel);
      batches.#allowsScripts = await allowsScripts(channel);
    };
    batches.#connection = await RedisConnection.open({ ...settings, prepare });
    return batches;
  }

  /** What they are sent over, for other commands. */
  get connection(): RedisConnection {
    return this.#connection as RedisConnection;
  }

  /** Resolves when the command is carried out, without its reply; rejects as `RedisConnection.send` does. */
  async send(command: RedisCommand, call: RedisCall): Promise<void> {
    if (this.#unsettled >= MAX_UNSETTLED) {
      throw overloadedError(this.#settings.area, call.operation, this.#unsettled);
    }
    this.#unsettled++;
    try {
      if (!this.#allowsScripts) {
        this.#send();
        return void await this.connection.send(command, call);
      }
      const batch = this.#batchFor(command, call);
      const last = command.args.at(-1) as string | Uint8Array;
      batch.length += last.length;
      const index = batch.lastWords.push(last) - 1;
      const { done, error } = await this.#outcome(batch, call);
      if (index >= done) throw error;
    } finally {
      if (--this.#unsettled === 0) this.#onSettled();
    }
  }

  /** Resolves when no command is under way. */
  async settled(): Promise<void> {
    while (this.#unsettled > 0) await new Promise<void>((resolve) => this.#onSettled = resolve);
  }

  #batchFor(command: RedisCommand, call: RedisCall): Batch {
    if (this.#batch && !hasRoom(this.#batch, command, call)) this.#send();
    if (this.#batch) return this.#batch;
    // After the promises of this turn, whose callers may have more to send.
    process.nextTick(this.#flush);
    let settle: Batch["settle"] = () => {};
    const outcome = new Promise<Outcome>((resolve) => settle = resolve);
    return this.#batch = { command, call, lastWords: [], outcome, settle, length: 0 };
  }

  /** Nobody waits for it once the signal aborts. */
  #outcome({ outcome }: Batch, { signal, operation }: RedisCall): Promise<Outcome> {
    if (!signal) return outcome;
    const { area } = this.#settings;
    return new Promise((resolve, reject) => {
      const abort = (): void =>
        reject(interruptedError(area, operation, { kind: "aborted", reason: signal.reason }));
      signal.addEventListener("abort", abort, { once: true });
      outcome.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
    });
  }

  #send(): void {
    const batch = this.#batch;
    if (!batch) return;
    this.#batch = undefined;
    batch.settle(this.#run(batch));
  }

  async #run({ command, call, lastWords }: Batch): Promise<Outcome> {
    const { args, key } = command;
    const done = lastWords.length;
    // A signal is that of one of them.
    const shared = { ...call, signal: undefined };
    if (done === 1) {
      await this.connection.send(command, shared);
      return { done };
    }
    const keys = key === undefined ? ["0"] : ["1", key];
    const common = args.slice(0, -1);
    const words = ["EVAL", SCRIPT, ...keys, String(common.length), ...common, ...lastWords];
    const reply = await this.connection.send({ ...command, args: words }, shared);
    const [before, text] = reply as [number?, Uint8Array?];
    if (!text) return { done };
    const failed = { operation: call.operation, mayHaveRun: false };
    const error = toRedisError(this.#settings.area, new ErrorReply(String(text)), failed);
    return { done: before ?? 0, error };
  }
}

function hasRoom(batch: Batch, { args }: RedisCommand, call: RedisCall): boolean {
  const common = batch.command.args;
  if (batch.lastWords.length >= MAX_COMMANDS || common.length !== args.length) return false;
  if (batch.length + (args.at(-1)?.length ?? 0) > MAX_LENGTH) return false;
  if (batch.call.timeoutMs !== call.timeoutMs || batch.call.operation !== call.operation) {
    return false;
  }
  for (let i = 0; i < args.length - 1; i++) if (common[i] !== args[i]) return false;
  return true;
}

async function allowsScripts(channel: RedisChannel): Promise<boolean> {
  try {
    await channel.send({ args: ["EVAL", "return 1", "0"], readOnly: true });
    return true;
  } catch (error) {
    // "ERR unknown command", where there is none.
    if (["NOPERM", "ERR"].includes(replyCode(error) ?? "")) return false;
    throw error;
  }
}
