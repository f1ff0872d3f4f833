import assert from "node:assert/strict";
import { test } from "node:test";
import { S3StorageProvider } from "../../../storage/adapters/s3.ts";
import { s3Config, withStorage } from "../../support/s3_storage.ts";
import { findService, serviceTest } from "../../support/services.ts";

const testS3 = serviceTest(await findService("s3"));

const CREDENTIALS = { accessKeyId: "key", secretAccessKey: "secret" };

test("presigned URLs and forms lead to the public address, in either style", async () => {
  const storage = new S3StorageProvider({
    credentials: CREDENTIALS,
    endpoint: "http://storage:9000",
    publicEndpoint: "https://files.example.org",
  });
  const url = new URL(await storage.getPresignedUrl("bucket", "a/b c"));
  assert.equal(url.origin, "https://files.example.org");
  assert.equal(url.pathname, "/bucket/a/b%20c");
  const post = await storage.getPresignedPost("bucket", "a", { maxBytes: 1 });
  assert.equal(post.url, "https://files.example.org/bucket");
  await storage.close();
  const amazon = new S3StorageProvider({ credentials: CREDENTIALS, region: "eu-west-1" });
  const there = new URL(await amazon.getPresignedUrl("bucket", "a"));
  assert.equal(there.origin, "https://bucket.s3.eu-west-1.amazonaws.com");
  assert.match(there.searchParams.get("X-Amz-Credential") ?? "", /\/eu-west-1\/s3\/aws4_request$/);
  const dotted = new URL(await amazon.getPresignedUrl("buc.ket", "a"));
  assert.equal(dotted.href.split("?")[0], "https://s3.eu-west-1.amazonaws.com/buc.ket/a");
  await amazon.close();
});

test("a presigned URL carries no checksum, and the session of temporary keys", async () => {
  const credentials = { ...CREDENTIALS, sessionToken: "session/+=" };
  const storage = new S3StorageProvider({ credentials, storeChecksums: true });
  for (const method of ["GET", "PUT"] as const) {
    const url = new URL(await storage.getPresignedUrl("bucket", "a", { method }));
    const names = [...url.searchParams.keys()].map((name) => name.toLowerCase());
    assert.deepEqual(names.filter((name) => name.includes("checksum")), []);
    assert.equal(url.searchParams.get("X-Amz-Security-Token"), "session/+=");
    assert.equal(url.searchParams.get("X-Amz-Expires"), "900");
  }
  const { fields } = await storage.getPresignedPost("bucket", "a", { maxBytes: 1 });
  assert.equal(fields["X-Amz-Security-Token"], "session/+=");
  await storage.close();
});

test("a form refuses a key in which servers would put the name of the file", async () => {
  const storage = new S3StorageProvider({ credentials: CREDENTIALS });
  const key = "a/${filename}";
  const post = storage.getPresignedPost("bucket", key, { maxBytes: 1 });
  await assert.rejects(post, { name: "ValidationError", field: "key" });
  await storage.close();
});

testS3("a public address is signed, so that the server takes it for its own", async (url) => {
  const { endpoint = "" } = s3Config(url);
  const publicEndpoint = endpoint.replace("127.0.0.1", "localhost");
  await withStorage(url, async (storage, bucket) => {
    await storage.upload(bucket, "a", "text");
    const presigned = await storage.getPresignedUrl(bucket, "a");
    assert.ok(presigned.startsWith(publicEndpoint), presigned);
    const response = await fetch(presigned.replace("localhost", "127.0.0.1"));
    await response.body?.cancel();
    assert.equal(response.status, 403, "the address is not part of the signature");
  }, { publicEndpoint });
});
