import assert from "node:assert/strict";
import { test } from "node:test";
import { IntegrityError } from "../../core/errors.ts";
import { sha256Hex } from "../../storage/digest.ts";
import { hashedStream, requireDigest } from "../../storage/hashed_stream.ts";
import type { Span } from "../../storage/range.ts";
import { until } from "../support/until.ts";

const CHUNKS = ["first", "second", "third"];
const ALL = CHUNKS.join("");

function source(): ReadableStream<Uint8Array<ArrayBuffer>> {
  return new ReadableStream({
    start(controller): void {
      for (const chunk of CHUNKS) controller.enqueue(new TextEncoder().encode(chunk));
      controller.close();
    },
  });
}

test("what passes is the span, and the digest is that of all", async () => {
  const cases: readonly [Span | undefined, string][] = [
    [undefined, ALL],
    [{ start: 0, end: ALL.length }, ALL],
    [{ start: 3, end: 7 }, ALL.slice(3, 7)],
    [{ start: 12, end: 13 }, ALL.slice(12, 13)],
    [{ start: 0, end: 0 }, ""],
  ];
  for (const [span, expected] of cases) {
    let digest = "";
    const body = hashedStream(source(), (sha256) => void (digest = sha256), span);
    assert.equal(await new Response(body).text(), expected);
    assert.equal(digest, sha256Hex(ALL));
  }
});

test("the last bytes wait for the digest, and do not come if it is refused", async () => {
  const refuse = (): never => {
    throw new Error("refused");
  };
  const reader = hashedStream(source(), refuse).getReader();
  const passed: string[] = [];
  await assert.rejects(async () => {
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      passed.push(new TextDecoder().decode(next.value));
    }
  }, /refused/);
  assert.ok(!passed.includes("third"));
});

test("one that is cancelled cancels its source, and has no digest", async () => {
  let cancelled: unknown;
  let isAsked = false;
  const stuck = new ReadableStream<Uint8Array>({
    pull(): Promise<void> {
      isAsked = true;
      return new Promise(() => {});
    },
    cancel: (reason) => void (cancelled = reason),
  }, { highWaterMark: 0 });
  let digests = 0;
  const reader = hashedStream(stuck, () => void digests++).getReader();
  const read = reader.read();
  await until("it is read", () => isAsked);
  await reader.cancel("enough");
  assert.deepEqual([(await read).done, cancelled], [true, "enough"]);
  // What would still come has come by then.
  await new Promise((resolve) => setTimeout(resolve));
  assert.equal(digests, 0);
});

test("another digest is an IntegrityError", () => {
  requireDigest("download", "a", "a");
  assert.throws(() => requireDigest("download", "a", "b"), IntegrityError);
});
