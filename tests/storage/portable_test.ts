import assert from "node:assert/strict";
import { test } from "node:test";
import { systemClock } from "../../core/clock.ts";
import type { InfrastructureError } from "../../core/errors.ts";
import type { StorageCall } from "../../storage/call.ts";
import { storageFailure } from "../../storage/failures.ts";
import type { StorageDriver } from "../../storage/driver.ts";
import { PortableStorageProvider } from "../../storage/portable.ts";
import { streamOf } from "../conformance/storage/case.ts";

/** A driver whose server never does what it is asked for. */
class RefusingDriver implements StorageDriver {
  readonly capabilities = {
    createOnly: false,
    ifMatch: false,
    presignedUrls: false,
    presignedPosts: false,
  };
  calls = 0;
  closes = 0;
  readonly put: StorageDriver["put"] = this.#refuse;
  readonly open = this.#refuse;
  readonly stat = this.#refuse;
  readonly remove = this.#refuse;
  readonly list = this.#refuse;
  readonly copy = this.#refuse;
  readonly presign = this.#refuse;
  readonly presignPost = this.#refuse;
  readonly createBucket = this.#refuse;
  readonly bucketExists = this.#refuse;
  readonly health = this.#refuse;

  close(): Promise<void> {
    this.closes++;
    return Promise.resolve();
  }

  toError(error: unknown, call: StorageCall): InfrastructureError {
    return storageFailure(call.operation, "the server refused", {
      code: "overloaded",
      cause: error,
    });
  }

  #refuse(): Promise<never> {
    this.calls++;
    return Promise.reject(new Error("no"));
  }
}

/** A driver that begins to read a body and gives up before anything came. */
class ImpatientDriver extends RefusingDriver {
  override readonly put: StorageDriver["put"] = (_call, _to, { chunks }) => {
    chunks[Symbol.asyncIterator]().next().catch(() => {});
    return Promise.reject(new Error("no"));
  };
}

test("a failure of the driver is mapped once, and tells which method was called", async () => {
  const storage = new PortableStorageProvider(new RefusingDriver(), systemClock);
  const calls = {
    upload: storage.upload("bucket", "key", "x"),
    download: storage.download("bucket", "key"),
    downloadStream: storage.downloadStream("bucket", "key"),
    delete: storage.delete("bucket", "key"),
    deleteBatch: storage.deleteBatch("bucket", ["key"]),
    exists: storage.exists("bucket", "key"),
    getMetadata: storage.getMetadata("bucket", "key"),
    listObjects: storage.listObjects("bucket"),
    copy: storage.copy("bucket", "key", "bucket", "key"),
    getPresignedUrl: storage.getPresignedUrl("bucket", "key"),
    getPresignedPost: storage.getPresignedPost("bucket", "key", { maxBytes: 1 }),
    createBucket: storage.createBucket("bucket"),
    bucketExists: storage.bucketExists("bucket"),
    health: storage.health(),
  };
  for (const [method, call] of Object.entries(calls)) {
    const operation = `StorageProvider.${method}`;
    await assert.rejects(call, { code: "overloaded", operation, cause: new Error("no") });
  }
});

test("bad input and lacking capabilities never reach the driver", async () => {
  const driver = new RefusingDriver();
  const storage = new PortableStorageProvider(driver, systemClock);
  await assert.rejects(storage.upload("bucket", "../key", "x"), { field: "key" });
  await assert.rejects(storage.listObjects("bucket", { limit: 0 }), { field: "limit" });
  const createOnly = storage.upload("bucket", "key", "x", { createOnly: true });
  await assert.rejects(createOnly, { code: "unsupported" });
  const ifMatch = storage.upload("bucket", "key", "x", { ifMatch: "e" });
  await assert.rejects(ifMatch, { code: "unsupported" });
  assert.equal(driver.calls, 0);
});

test("the driver is closed once, and not called afterwards", async () => {
  const driver = new RefusingDriver();
  const storage = new PortableStorageProvider(driver, systemClock);
  await Promise.all([storage.close(), storage.close(), storage[Symbol.asyncDispose]()]);
  await assert.rejects(storage.health(), { code: "closed" });
  assert.deepEqual([driver.closes, driver.calls], [1, 0]);
});

test("a body that is stuck is cancelled when the driver fails", async () => {
  const storage = new PortableStorageProvider(new ImpatientDriver(), systemClock);
  let cancelled = false;
  const body = streamOf([], { stuck: true, onCancel: () => void (cancelled = true) });
  await assert.rejects(storage.upload("bucket", "key", body), { code: "overloaded" });
  assert.ok(cancelled);
});
