import assert from "node:assert/strict";
import { NotFoundError } from "../../../core/errors.ts";
import { S3StorageProvider } from "../../../storage/adapters/s3.ts";
import { storageConformance } from "../../conformance/storage.ts";
import type { TestFn } from "../../conformance/test_fn.ts";
import { after, IS_PERMITTED, test } from "../../support/permitted.ts";
import { startSwift } from "../../support/private_swift.ts";
import { s3Config } from "../../support/s3_storage.ts";
import { privateServerTest, SERVICES } from "../../support/services.ts";

/** Swift's gateway knows neither conditional writes nor forms, and says so. */
const CAPABILITIES = {
  createOnly: false,
  ifMatch: false,
  presignedUrls: true,
  presignedPosts: false,
};

/**
 * Does not hold on a Swift with one copy of each object: its server lists a folder and then opens the newest file,
 * which is gone if the object is replaced in between, and answers 404. A test of our own has what does hold.
 */
const NOT_PROMISED = "readers see the old object or the new one, never a part of either";

const testPromised: TestFn = (name, run) => {
  if (!name.endsWith(NOT_PROMISED)) test(name, run);
};

if (IS_PERMITTED && SERVICES.s3.isInstalled()) {
  const server = await startSwift();
  after(() => server[Symbol.asyncDispose]());
  const config = s3Config(server.url);
  storageConformance(testPromised, {
    name: "s3 on swift",
    capabilities: CAPABILITIES,
    open: () => Promise.resolve(new S3StorageProvider({ ...config, capabilities: CAPABILITIES })),
  });

  test("s3 on swift: readers see the old object or the new one, or none, never a part", async () => {
    const storage = new S3StorageProvider({ ...config, capabilities: CAPABILITIES });
    await storage.createBucket("replaced");
    const sizes = [200_000, 100_000];
    await storage.upload("replaced", "key", new Uint8Array(sizes[0]!));
    let writing = true;
    const write = async (): Promise<void> => {
      for (let i = 1; i <= 20; i++) {
        await storage.upload("replaced", "key", new Uint8Array(sizes[i % 2]!).fill(i % 2));
      }
      writing = false;
    };
    const read = async (): Promise<void> => {
      while (writing) {
        const bytes = await storage.download("replaced", "key").catch((error) => {
          if (!(error instanceof NotFoundError)) throw error;
        });
        if (!bytes) continue;
        assert.ok(sizes.includes(bytes.byteLength));
        const expected = bytes.byteLength === sizes[1] ? 1 : 0;
        assert.ok(bytes.every((byte) => byte === expected));
      }
    };
    await Promise.all([write(), read(), read()]);
    await storage.close();
  });

  test("s3 on swift: what it cannot do is measured, and refused instead of ignored", async () => {
    const storage = new S3StorageProvider(config);
    await storage.createBucket("bucket");
    await storage.upload("bucket", "a", "old");
    const create = storage.upload("bucket", "a", "new", { createOnly: true });
    await assert.rejects(create, { code: "unsupported", outcome: "not-applied" });
    await storage.probe("bucket");
    assert.deepEqual(storage.capabilities, CAPABILITIES);
    assert.equal(new TextDecoder().decode(await storage.download("bucket", "a")), "old");
    await storage.close();
  });
} else {
  privateServerTest("s3")("s3 on swift: runs the conformance suite", () => {});
}
