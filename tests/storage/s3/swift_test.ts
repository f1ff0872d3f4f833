import assert from "node:assert/strict";
import { after, test } from "node:test";
import { S3StorageProvider } from "../../../storage/adapters/s3.ts";
import { storageConformance } from "../../conformance/storage.ts";
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

if (SERVICES.s3.isInstalled()) {
  const server = await startSwift();
  after(() => server[Symbol.asyncDispose]());
  const config = s3Config(server.url);
  storageConformance(test, {
    name: "s3 on swift",
    capabilities: CAPABILITIES,
    open: () => Promise.resolve(new S3StorageProvider({ ...config, capabilities: CAPABILITIES })),
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
