import assert from "node:assert/strict";
import { test } from "node:test";
import { S3Failure } from "../../../storage/adapters/s3/failure.ts";
import type { Chunk, ChunkReader } from "../../../storage/adapters/s3/http_client.ts";
import { ResponseBody } from "../../../storage/adapters/s3/response_body.ts";
import { ManualClock } from "../../conformance/manual_clock.ts";
import { settle } from "../../support/fake_driver.ts";

type Next = Awaited<ReturnType<ChunkReader["next"]>>;

/** A connection that a test plays. */
class PlayedChunks implements ChunkReader {
  cancelled = 0;
  #waiting = Promise.withResolvers<Next>();

  next(): Promise<Next> {
    return this.#waiting.promise;
  }

  cancel(): void {
    this.cancelled++;
  }

  /** Ends the read that waits. */
  give(text: string): void {
    this.#settle().resolve({ value: new TextEncoder().encode(text) });
  }

  end(): void {
    this.#settle().resolve({ done: true });
  }

  fail(error: unknown): void {
    this.#settle().reject(error);
  }

  #settle(): PromiseWithResolvers<Next> {
    const waiting = this.#waiting;
    this.#waiting = Promise.withResolvers();
    return waiting;
  }
}

interface Played {
  readonly body: ResponseBody;
  readonly chunks: PlayedChunks;
  readonly clock: ManualClock;
  readonly aborter: AbortController;
  readonly released: () => number;
}

function play(): Played {
  const chunks = new PlayedChunks();
  const clock = new ManualClock();
  const aborter = new AbortController();
  let released = 0;
  const release = (): void => void released++;
  const body = new ResponseBody(chunks, { aborter, clock, idleTimeoutMs: 1_000, release });
  return { body, chunks, clock, aborter, released: () => released };
}

const textOf = (chunk: Chunk | undefined): string | undefined =>
  chunk && new TextDecoder().decode(chunk);

test("a body is read piece by piece to its end, and is released there, once", async () => {
  const { body, chunks, clock, released } = play();
  for (const text of ["a", "b"]) {
    const read = body.read();
    chunks.give(text);
    assert.equal(textOf(await read), text);
  }
  assert.equal(released(), 0);
  const read = body.read();
  chunks.end();
  assert.equal(await read, undefined);
  assert.equal(await body.read(), undefined);
  body.cancel();
  assert.deepEqual([released(), chunks.cancelled, clock.pendingTimers], [1, 0, 0]);
});

test("an answer without a body is released at once", async () => {
  let released = 0;
  const body = new ResponseBody(undefined, {
    aborter: new AbortController(),
    clock: new ManualClock(),
    idleTimeoutMs: 1_000,
    release: () => released++,
  });
  assert.equal(released, 1);
  assert.equal(await body.read(), undefined);
  assert.equal((await body.bytes(0)).byteLength, 0);
  body.cancel();
  assert.equal(released, 1);
});

test("bytes() joins what comes, up to the limit", async () => {
  const { body, chunks } = play();
  const bytes = body.bytes(5);
  for (const text of ["ab", "", "cde"]) {
    chunks.give(text);
    await settle();
  }
  chunks.end();
  assert.equal(textOf(await bytes), "abcde");
});

test("bytes() gives up what is longer than the limit", async () => {
  const { body, chunks, released } = play();
  const bytes = body.bytes(4);
  chunks.give("ab");
  await settle();
  chunks.give("cde");
  await assert.rejects(bytes, { name: "S3Failure", message: /more than 4 bytes/ });
  assert.deepEqual([released(), chunks.cancelled], [1, 1]);
});

test("a connection that breaks is a failure of the network", async () => {
  const { body, chunks, released } = play();
  const read = body.read();
  chunks.fail(Object.assign(new Error("http://host/?secret"), { code: "ECONNRESET" }));
  await assert.rejects(read, { name: "S3Failure", message: "the connection failed (ECONNRESET)" });
  assert.deepEqual([released(), chunks.cancelled], [1, 1]);
  assert.equal(await body.read(), undefined);
});

test("a server that pauses for too long is a failure, and its connection is given up", async () => {
  const { body, chunks, clock, aborter, released } = play();
  const read = body.read();
  await settle();
  clock.advance(999);
  assert.equal(aborter.signal.aborted, false);
  clock.advance(1);
  await assert.rejects(read, { name: "S3Failure", message: /paused for 1000 milliseconds/ });
  assert.ok(aborter.signal.aborted);
  assert.deepEqual([released(), chunks.cancelled, clock.pendingTimers], [1, 1, 0]);
});

test("a server that is slow but steady is waited for", async () => {
  const { body, chunks, clock } = play();
  for (let i = 0; i < 10; i++) {
    const read = body.read();
    clock.advance(999);
    chunks.give("a");
    assert.equal(textOf(await read), "a");
  }
});

test("the pause of a reader is not one of the server", async () => {
  const { body, chunks, clock } = play();
  const first = body.read();
  chunks.give("a");
  await first;
  clock.advance(10_000);
  const second = body.read();
  clock.advance(999);
  chunks.give("b");
  assert.equal(textOf(await second), "b");
  clock.advance(500);
  const third = body.read();
  clock.advance(999);
  await settle();
  clock.advance(1);
  await assert.rejects(third, /paused for 1000 milliseconds/);
});

test("a read ends with the reason of the signal, also while nothing comes", async () => {
  const { body, chunks, aborter, released } = play();
  const read = body.read();
  const reason = new Error("enough");
  aborter.abort(reason);
  await assert.rejects(read, (error) => error === reason);
  assert.deepEqual([released(), chunks.cancelled], [1, 1]);
});

test("what the connection says after an abort is not heard", async () => {
  const { body, chunks, aborter } = play();
  const reason = new Error("enough");
  aborter.abort(reason);
  const read = body.read();
  chunks.fail(new Error("aborted"));
  await assert.rejects(read, (error) => error === reason);
});

test("cancel() ends a read that waits, and the exchange", async () => {
  const { body, chunks, clock, aborter, released } = play();
  const read = body.read();
  body.cancel();
  body.cancel();
  await assert.rejects(read, (error) => error instanceof S3Failure);
  assert.ok(aborter.signal.aborted);
  assert.deepEqual([released(), chunks.cancelled, clock.pendingTimers], [1, 1, 0]);
  assert.equal(await body.read(), undefined);
});
