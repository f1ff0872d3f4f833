import process from "node:process";
import type { OpenChannel, RedisChannel, RedisCommand } from "./channel.ts";
import { replyCode } from "./redis_error.ts";

/** How much one batch holds, so that the server does nothing else for a millisecond at most. */
const MAX_COMMANDS = 256;
const MAX_LENGTH = 262_144;

/**
 * Runs a command once for each of the last words. Stops at the first error, and then replies with how many were carried
 * out before and the error.
 */
const SCRIPT = `
local count = tonumber(ARGV[1])
local words = {unpack(ARGV, 2, count + 1)}
for i = count + 2, #ARGV do
  words[count + 1] = ARGV[i]
  local reply = redis.pcall(unpack(words))
  if type(reply) == 'table' and reply.err then return {i - count - 2, reply.err} end
end
return {}`;

/**
 * Opens channels that send commands together which are {@linkcode RedisCommand.batched}, differ in nothing but the last
 * word and are given in one turn of the event loop: as one script, because a command costs the client more than
 * all that there is to do for an event. They take effect in the order of the calls; the first that fails fails
 * those behind it, which are not carried out.
 *
 * Where the server or the user's rights do not allow scripts, every command is sent on its own.
 */
export function batching(open: OpenChannel): OpenChannel {
  return async (signal, onBroken) => {
    const channel = await open(signal, onBroken);
    try {
      return await allowsScripts(channel) ? new BatchingChannel(channel) : channel;
    } catch (error) {
      channel.destroy();
      throw error;
    }
  };
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

/** What became of a batch. */
interface Outcome {
  readonly done: number;
  readonly error?: Error;
}

/** Commands that wait for the end of the turn. */
interface Batch {
  readonly command: RedisCommand;
  readonly lastWords: (string | Uint8Array)[];
  readonly outcome: Promise<Outcome>;
  readonly settle: (outcome: Promise<Outcome>) => void;
  length: number;
}

class BatchingChannel implements RedisChannel {
  readonly #channel: RedisChannel;
  readonly #flush = (): void => this.#send();
  #batch: Batch | undefined;

  constructor(channel: RedisChannel) {
    this.#channel = channel;
  }

  /** See {@linkcode RedisChannel.send}. */
  send(command: RedisCommand): Promise<unknown> {
    if (!command.batched) {
      this.#send();
      return this.#channel.send(command);
    }
    const batch = this.#batchFor(command);
    const last = command.args.at(-1) as string | Uint8Array;
    batch.length += last.length;
    const index = batch.lastWords.push(last) - 1;
    return batch.outcome.then(({ done, error }) => {
      if (index >= done) throw error;
    });
  }

  /** See {@linkcode RedisChannel.masters}. */
  masters(): ReturnType<RedisChannel["masters"]> {
    return this.#channel.masters();
  }

  /** See {@linkcode RedisChannel.destroy}. */
  destroy(): void {
    this.#send();
    this.#channel.destroy();
  }

  #batchFor(command: RedisCommand): Batch {
    const { args } = command;
    if (this.#batch && !hasRoom(this.#batch, args)) this.#send();
    if (this.#batch) return this.#batch;
    // After the promises of this turn, whose callers may have more to send.
    process.nextTick(this.#flush);
    const { promise, resolve } = Promise.withResolvers<Outcome>();
    return this.#batch = { command, lastWords: [], outcome: promise, settle: resolve, length: 0 };
  }

  #send(): void {
    const batch = this.#batch;
    if (!batch) return;
    this.#batch = undefined;
    batch.settle(run(this.#channel, batch));
  }
}

function hasRoom({ command, lastWords, length }: Batch, args: RedisCommand["args"]): boolean {
  if (lastWords.length >= MAX_COMMANDS || length + (args.at(-1)?.length ?? 0) > MAX_LENGTH) {
    return false;
  }
  const common = command.args;
  if (common.length !== args.length) return false;
  for (let i = 0; i < args.length - 1; i++) if (common[i] !== args[i]) return false;
  return true;
}

async function run(channel: RedisChannel, { command, lastWords }: Batch): Promise<Outcome> {
  const { args, key } = command;
  const done = lastWords.length;
  if (done === 1) {
    await channel.send(command);
    return { done };
  }
  const keys = key === undefined ? ["0"] : ["1", key];
  const common = args.slice(0, -1);
  const words = ["EVAL", SCRIPT, ...keys, String(common.length), ...common, ...lastWords];
  const reply = await channel.send({ args: words, ...(key !== undefined && { key }) });
  const [before, error] = reply as [number?, Uint8Array?];
  return error ? { done: before ?? 0, error: new ErrorReply(String(error)) } : { done };
}

/** What Redis 7.0, and those after it, say in a script about what outside of one is `NOPERM`. */
const FORBIDDEN = /The user executing the script|ACL failure in script/;

/** An error reply, like the client's. */
class ErrorReply extends Error {
  constructor(text: string) {
    super(FORBIDDEN.test(text) ? `NOPERM ${text}` : text);
  }
}
