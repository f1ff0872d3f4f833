import assert from "node:assert/strict";
import { test } from "node:test";
import { NotFoundError, StorageError, ValidationError } from "../../core/errors.ts";
import {
  damaged,
  missing,
  objectExists,
  operationName,
  otherVersion,
  sourceFailed,
  storageFailure,
  unsupported,
} from "../../storage/failures.ts";

test("storageFailure() says what could not be done, and why", () => {
  const error = storageFailure("copy", "the disk is full", { code: "resource_exhausted" });
  assert.ok(error instanceof StorageError);
  assert.equal(error.message, "Cannot copy the object: the disk is full");
  assert.equal(error.operation, "StorageProvider.copy");
  assert.equal(operationName("listObjects"), "StorageProvider.listObjects");
});

test("each kind of failure has its code", () => {
  assert.equal(missing("upload", "bucket").resource, "bucket");
  assert.ok(missing("download", "object") instanceof NotFoundError);
  assert.equal(objectExists("upload").code, "already_exists");
  assert.equal(otherVersion("upload").code, "conflict");
  const { code, key, message } = damaged("listObjects", "a/b");
  assert.deepEqual([code, key], ["corrupted", "a/b"]);
  assert.equal(message, 'Cannot list the objects: what is stored of "a/b" is damaged');
  assert.equal(unsupported("getPresignedUrl", "presignedUrls").code, "unsupported");
});

test("sourceFailed() keeps the failure of a source as the cause", () => {
  const failure = new Error("gone");
  assert.equal(sourceFailed(failure).cause, failure);
  assert.equal(sourceFailed(failure).code, "internal");
  const own = new ValidationError("data", "it is refused");
  assert.equal(sourceFailed(own), own);
});
