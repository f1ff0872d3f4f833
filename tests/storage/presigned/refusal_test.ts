import assert from "node:assert/strict";
import { test } from "node:test";
import { NotFoundError, StorageError, ValidationError } from "../../../core/errors.ts";
import { Refusal, refuse } from "../../../storage/presigned/refusal.ts";

test("a refusal is answered with its status, text and headers", async () => {
  const response = refuse(new Refusal(416, "No", { "content-range": "bytes */3" }));
  assert.equal(response.status, 416);
  assert.equal(await response.text(), "No\n");
  assert.deepEqual(Object.fromEntries(response.headers), {
    "cache-control": "no-store",
    "content-range": "bytes */3",
    "content-type": "text/plain; charset=utf-8",
    "x-content-type-options": "nosniff",
  });
});

test("a failure is answered by its code, and nothing else of it is shown", async () => {
  const operation = "s3cr3t";
  const failure = (code: StorageError["code"]): Error =>
    new StorageError("s3cr3t", { code, operation, key: "s3cr3t", cause: "s3cr3t" });
  const statuses: [unknown, number][] = [
    [new ValidationError("s3cr3t", "s3cr3t"), 400],
    [new NotFoundError("s3cr3t", { operation, reason: "s3cr3t" }), 404],
    [failure("already_exists"), 412],
    [failure("conflict"), 412],
    [failure("unavailable"), 503],
    [failure("overloaded"), 503],
    [failure("resource_exhausted"), 503],
    [failure("timeout"), 503],
    [failure("closed"), 503],
    [failure("corrupted"), 500],
    [failure("permission_denied"), 500],
    [failure("internal"), 500],
    [new TypeError("s3cr3t"), 500],
    ["s3cr3t", 500],
    [undefined, 500],
  ];
  for (const [error, status] of statuses) {
    const response = refuse(error);
    assert.equal(response.status, status, String(error));
    const shown = await response.text() + JSON.stringify([...response.headers]);
    assert.ok(!shown.includes("s3cr3t"), shown);
    assert.match(shown, /^[A-Z][\w ]+\n/);
  }
});
