import assert from "node:assert/strict";
import { test } from "node:test";
import { MAX_PARTS, type MultipartUpload } from "../../../storage/adapters/s3/multipart_upload.ts";
import { PartReader } from "../../../storage/adapters/s3/part_reader.ts";
import { type PartSending, sendParts } from "../../../storage/adapters/s3/part_sender.ts";
import { StorageCall } from "../../../storage/call.ts";
import { settle } from "../../support/fake_driver.ts";

const PART_BYTES = 4;

interface Sending {
  readonly number: number;
  readonly bytes: Uint8Array;
  readonly signal: AbortSignal;
  readonly end: PromiseWithResolvers<void>;
}

/** Takes the place of an upload on a server; a test says when and how each part ends. */
class PlayedUpload {
  /** Every part that was sent, in order. */
  readonly sendings: Sending[] = [];
  /** What was sent, as it was at that moment, by the number of the part. */
  readonly texts = new Map<number, string>();
  underWay = 0;
  mostUnderWay = 0;
  /** Whether parts end by themselves. */
  isQuick = false;

  async sendPart(
    _call: StorageCall,
    signal: AbortSignal,
    number: number,
    bytes: Uint8Array,
  ): Promise<void> {
    const end = Promise.withResolvers<void>();
    this.sendings.push({ number, bytes, signal, end });
    this.mostUnderWay = Math.max(this.mostUnderWay, ++this.underWay);
    if (this.isQuick) end.resolve();
    await end.promise.finally(() => this.underWay--);
    // Until the server has it, nobody may change it.
    this.texts.set(number, new TextDecoder().decode(bytes));
  }
}

interface Run {
  readonly upload: PlayedUpload;
  readonly call: StorageCall;
  readonly progress: number[];
  /** How many parts were read, the first one included. */
  readonly read: () => number;
  readonly sent: Promise<number>;
}

/** Sends the bodies of parts, three at once. */
async function begin(
  parts: AsyncIterable<string> | Iterable<string>,
  upload: PlayedUpload,
): Promise<Run> {
  let read = 0;
  const encoder = new TextEncoder();
  const chunks = (async function* (): AsyncGenerator<Uint8Array> {
    for await (const part of parts) {
      read++;
      yield encoder.encode(part);
    }
  })();
  const reader = new PartReader(chunks, PART_BYTES);
  const { bytes: first } = await reader.first();
  const progress: number[] = [];
  const sending: PartSending = {
    first,
    partBytes: PART_BYTES,
    concurrency: 3,
    progress: (storedBytes) => void progress.push(storedBytes),
  };
  const call = new StorageCall("upload");
  const sent = sendParts(call, upload as unknown as MultipartUpload, reader, sending);
  // It is looked at later.
  sent.catch(() => {});
  await settle();
  return { upload, call, progress, read: () => read, sent };
}

const SEVEN = ["aaaa", "bbbb", "cccc", "dddd", "eeee", "ffff", "gg"];

function numbers({ upload }: Run): readonly number[] {
  return upload.sendings.map(({ number }) => number);
}

async function finish({ upload }: Run, number: number, failure?: Error): Promise<void> {
  const sending = upload.sendings.find((sending) => sending.number === number);
  assert.ok(sending);
  if (failure) sending.end.reject(failure);
  else sending.end.resolve();
  await settle();
}

test("every part is sent once, and what is stored is told as it grows", async () => {
  const upload = new PlayedUpload();
  upload.isQuick = true;
  const { sent, progress } = await begin(SEVEN, upload);
  assert.equal(await sent, 26);
  assert.deepEqual([...upload.texts.keys()].toSorted(), [1, 2, 3, 4, 5, 6, 7]);
  assert.deepEqual(SEVEN.map((_, i) => upload.texts.get(i + 1)), SEVEN);
  assert.deepEqual(progress.length, 7);
  assert.deepEqual(progress, progress.toSorted((a, b) => a - b));
  assert.equal(progress.at(-1), 26);
});

test("no more parts are under way than allowed, and no more are read", async () => {
  const run = await begin(SEVEN, new PlayedUpload());
  assert.deepEqual(numbers(run), [1, 2, 3]);
  // The reader looks one chunk ahead to know whether the first part is the last.
  assert.equal(run.read(), 3);
  await finish(run, 2);
  assert.deepEqual(numbers(run), [1, 2, 3, 4]);
  await finish(run, 1);
  await finish(run, 4);
  assert.deepEqual(numbers(run), [1, 2, 3, 4, 5, 6]);
  assert.deepEqual(run.progress, [4, 8, 12]);
  for (const number of [3, 5, 6, 7]) await finish(run, number);
  assert.equal(await run.sent, 26);
  assert.equal(run.upload.mostUnderWay, 3);
});

test("a buffer is filled again only when its part was sent", async () => {
  const run = await begin(SEVEN, new PlayedUpload());
  for (const number of [2, 4, 3, 1, 6, 5, 7]) await finish(run, number);
  await run.sent;
  assert.deepEqual(SEVEN.map((_, i) => run.upload.texts.get(i + 1)), SEVEN);
  const buffers = new Set(run.upload.sendings.slice(1).map(({ bytes }) => bytes.buffer));
  assert.equal(buffers.size, 3);
  for (const buffer of buffers) assert.equal(buffer.byteLength, PART_BYTES);
});

test("a body of one part needs no buffer", async () => {
  const run = await begin(["aaaa"], new PlayedUpload());
  await finish(run, 1);
  assert.equal(await run.sent, 4);
  assert.deepEqual(numbers(run), [1]);
});

test("after a failure the others are stopped and waited for, and nothing more is sent", async () => {
  const run = await begin(SEVEN, new PlayedUpload());
  let settled = false;
  run.sent.catch(() => settled = true);
  const failure = new Error("refused");
  await finish(run, 2, failure);
  for (const { signal } of run.upload.sendings) assert.equal(signal.reason, failure);
  await finish(run, 1);
  assert.equal(settled, false);
  await finish(run, 3, new Error("stopped"));
  await assert.rejects(run.sent, (error) => error === failure);
  assert.deepEqual(numbers(run), [1, 2, 3]);
});

test("a failure of the body is told when what is under way has ended", async () => {
  const failure = new Error("the source broke");
  const run = await begin(
    (function* (): Generator<string> {
      yield* ["aaaa", "bbbb"];
      throw failure;
    })(),
    new PlayedUpload(),
  );
  let settled = false;
  run.sent.catch(() => settled = true);
  await settle();
  assert.equal(settled, false);
  assert.ok(run.upload.sendings.every(({ signal }) => signal.aborted));
  for (const number of numbers(run)) await finish(run, number);
  await assert.rejects(run.sent, (error) => error === failure);
});

test("a failure ends the upload also while the body is stuck", async () => {
  const stuck = (async function* (): AsyncGenerator<string> {
    yield* ["aaaa", "bbbb"];
    await new Promise(() => {});
  })();
  const run = await begin(stuck, new PlayedUpload());
  const failure = new Error("refused");
  await finish(run, 1, failure);
  await finish(run, 2);
  await assert.rejects(run.sent, (error) => error === failure);
});

test("the signal of the call stops what is under way, with its reason", async () => {
  const run = await begin(SEVEN, new PlayedUpload());
  const reason = run.call.interrupt({ kind: "timeout", timeoutMs: 5 });
  for (const { signal } of run.upload.sendings) assert.equal(signal.reason, reason);
  for (const number of numbers(run)) await finish(run, number, reason);
  await assert.rejects(run.sent, (error) => error === reason);
  assert.deepEqual(numbers(run), [1, 2, 3]);
});

test("an upload of more parts than an object can have is refused before that part is sent", async () => {
  const upload = new PlayedUpload();
  upload.isQuick = true;
  const parts = function* (count: number): Generator<string> {
    for (let i = 0; i < count; i++) yield "aaaa";
  };
  const most = await begin(parts(MAX_PARTS), upload);
  assert.equal(await most.sent, MAX_PARTS * PART_BYTES);
  const tooMany = await begin(parts(MAX_PARTS + 1), upload);
  await assert.rejects(tooMany.sent, { field: "data", message: /more than 10000 parts/ });
  assert.equal(Math.max(...numbers(tooMany)), MAX_PARTS);
});
