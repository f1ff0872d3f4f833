import assert from "node:assert/strict";
import { test } from "node:test";
import { IntegrityError } from "../../../core/errors.ts";
import {
  checkedBody,
  RECORD,
  recordedDigest,
  shownMetadata,
} from "../../../storage/adapters/replicated/record.ts";
import { sha256Hex } from "../../../storage/digest.ts";
import type { ObjectStream, UserMetadata } from "../../../storage/storage.ts";

const TEXT = "the bytes of an object";

function opened(metadata: UserMetadata, bytes = TEXT): ObjectStream {
  return {
    body: new Blob([bytes]).stream(),
    metadata: {
      key: "a",
      size: bytes.length,
      etag: "e",
      lastModified: new Date(0),
      contentType: "text/plain",
      metadata,
    },
  };
}

const text = (body: ObjectStream["body"]): Promise<string> => new Response(body).text();

test("the digest is in the metadata, and users do not see it", () => {
  const { metadata } = opened({ [RECORD]: "digest", owner: "ada" });
  assert.equal(recordedDigest(metadata), "digest");
  assert.deepEqual(shownMetadata(metadata), { ...metadata, metadata: { owner: "ada" } });
  assert.equal(recordedDigest(opened({}).metadata), undefined);
});

test("a whole body must have the recorded digest", async () => {
  const whole = { start: 0, end: TEXT.length };
  const right = opened({ [RECORD]: sha256Hex(TEXT) });
  assert.equal(await text(checkedBody(right, whole)), TEXT);
  const wrong = opened({ [RECORD]: sha256Hex("other bytes") });
  await assert.rejects(text(checkedBody(wrong, whole)), IntegrityError);
});

test("a part, and what records no digest, is passed on", async () => {
  const wrong = { [RECORD]: sha256Hex("other bytes") };
  assert.equal(await text(checkedBody(opened(wrong), { start: 1, end: TEXT.length })), TEXT);
  assert.equal(await text(checkedBody(opened(wrong), { start: 0, end: 1 })), TEXT);
  assert.equal(await text(checkedBody(opened({}), { start: 0, end: TEXT.length })), TEXT);
});
