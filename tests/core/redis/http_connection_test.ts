import assert from "node:assert/strict";
import { test } from "node:test";
import { CACHE_AREA } from "../../../cache/adapters/redis/cache_area.ts";
import { systemClock } from "../../../core/clock.ts";
import { HttpRedisConnection } from "../../../core/redis/http_connection.ts";
import type { RedisCommand } from "../../../core/redis/channel.ts";
import type { Fetch } from "../../../core/redis/http_server.ts";
import { until } from "../../support/until.ts";

const GET = { args: ["GET", "k"], key: "k", readOnly: true, repeatable: true };
const SET = { args: ["SET", "k", "1"], key: "k" };
const UNLINK = { args: ["UNLINK", "k"], key: "k", repeatable: true };

const CALL = { operation: "test", timeoutMs: 30_000 };

/** A request that waits for the answer of the test. */
interface Asked {
  readonly words: unknown;
  readonly signal: AbortSignal;
  readonly answer: (result: unknown) => void;
  readonly fail: (error: unknown) => void;
}

/** Plays `fetch`: what came, in order. */
class PlayedFetch {
  readonly asked: Asked[] = [];
  readonly connection: HttpRedisConnection;

  constructor() {
    const fetch: Fetch = async (_, { body, signal }) => {
      const words: unknown = await new Response(body).json();
      return await new Promise((resolve, fail) => {
        const answer = (result: unknown): void => resolve(Response.json({ result }));
        this.asked.push({ words, signal: signal as AbortSignal, answer, fail });
      });
    };
    const address = { url: "http://played", token: "s3cr3t", fetch };
    this.connection = new HttpRedisConnection({ ...address, area: CACHE_AREA, clock: systemClock });
  }

  /** The names of the commands that came, as soon as there are so many. */
  async names(count: number): Promise<string> {
    await until(`${count} requests came`, () => this.asked.length >= count);
    return this.asked.map(({ words }) => (words as string[])[0]).join(" ");
  }

  /** Sends a command whose reply nobody waits for. */
  begin(command: RedisCommand): void {
    this.connection.send(command, CALL).catch(() => {});
  }
}

test("a call settles by its deadline or its signal, also if fetch heeds neither", async () => {
  const played = new PlayedFetch();
  const { connection, asked } = played;
  const late = connection.send(SET, { ...CALL, timeoutMs: 20 });
  await assert.rejects(late, { name: "CacheError", code: "timeout", outcome: "unknown" });
  const stop = new AbortController();
  const stopped = connection.send(SET, { ...CALL, signal: stop.signal });
  await played.names(2);
  stop.abort();
  await assert.rejects(stopped, { code: "aborted", outcome: "unknown" });
  assert.ok(asked.every(({ signal }) => signal.aborted));
});

test("close rejects what waits and what comes later, and ends the requests", async () => {
  const played = new PlayedFetch();
  const { connection, asked } = played;
  const waiting = connection.send(SET, CALL);
  await played.names(1);
  connection.close();
  connection.close();
  await assert.rejects(waiting, { code: "closed" });
  await assert.rejects(connection.send(GET, CALL), { code: "closed" });
  assert.deepEqual(asked.map(({ signal }) => signal.aborted), [true]);
});

test("a command that can be repeated is sent up to three times when its requests break, others are not", async () => {
  const played = new PlayedFetch();
  const { connection, asked } = played;
  const write = connection.send(SET, CALL);
  await played.names(1);
  asked[0]!.fail(new TypeError("broken"));
  await assert.rejects(write, { code: "unavailable", outcome: "unknown", retryable: true });
  const read = connection.send(GET, CALL);
  for (const attempt of [1, 2, 3]) {
    await played.names(attempt + 1);
    asked[attempt]!.fail(new TypeError("broken"));
  }
  await assert.rejects(read, { code: "unavailable", outcome: "not-applied" });
  assert.equal(await played.names(4), "SET GET GET GET");
});

test("nothing about a key is sent while it is removed; other keys do not wait", async () => {
  const played = new PlayedFetch();
  const { connection, asked } = played;
  played.begin(UNLINK);
  played.begin(UNLINK);
  await played.names(1);
  const write = connection.send(SET, CALL);
  played.begin({ args: ["GET", "other"], key: "other" });
  assert.equal(await played.names(2), "UNLINK GET");
  asked[0]!.answer(1);
  assert.equal(await played.names(3), "UNLINK GET UNLINK");
  asked[2]!.answer(0);
  assert.equal(await played.names(4), "UNLINK GET UNLINK SET");
  asked[3]!.answer("OK");
  assert.equal(String(await write), "OK");
  connection.close();
});

test("a removal that was given up holds up nobody, and who gave up waiting for one sends nothing", async () => {
  const played = new PlayedFetch();
  const { connection } = played;
  const stop = new AbortController();
  const removal = connection.send(UNLINK, { ...CALL, signal: stop.signal });
  await played.names(1);
  await assert.rejects(connection.send(SET, { ...CALL, timeoutMs: 10 }), { code: "timeout" });
  played.begin(GET);
  stop.abort();
  await assert.rejects(removal, { code: "aborted" });
  assert.equal(await played.names(2), "UNLINK GET");
  connection.close();
});

test("no error shows the token or the words of a command, whatever fetch throws", async () => {
  const played = new PlayedFetch();
  const failures = [new Error("s3cr3t"), new TypeError("x", { cause: "s3cr3t" }), "s3cr3t"];
  for (const [i, failure] of failures.entries()) {
    const call = played.connection.send(SET, CALL);
    await played.names(i + 1);
    played.asked[i]!.fail(failure);
    await assert.rejects(call, ({ message, cause }: Error) => {
      const expected = "Cannot finish test: the connection broke or could not be made";
      assert.deepEqual([message, cause], [expected, undefined]);
      return true;
    });
  }
});
