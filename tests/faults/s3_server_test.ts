import assert from "node:assert/strict";
import { after } from "node:test";
import type { CallOptions } from "../../core/call_options.ts";
import { S3StorageProvider } from "../../storage/adapters/s3.ts";
import { lazily } from "../support/lazily.ts";
import { startS3 } from "../support/private_s3.ts";
import { s3Config } from "../support/s3_storage.ts";
import { privateServerTest } from "../support/services.ts";

const test = privateServerTest("s3");
const server = lazily(startS3);
after(async () => await (await server())[Symbol.asyncDispose]());

const PART = 5_242_880;
const LARGE = new Uint8Array(4 * PART).fill(7);

test("a server that is stopped is given up in time, and goes on where it was", async () => {
  const gateway = await server();
  const limits = { responseTimeoutMs: 300, idleTimeoutMs: 300, partBytes: PART };
  const storage = new S3StorageProvider({ ...s3Config(gateway.url), ...limits });
  await storage.createBucket("stopped");
  await storage.upload("stopped", "a", LARGE);
  const { body } = await storage.downloadStream("stopped", "a");
  const reader = body.getReader();
  let { value, done } = await reader.read();
  let readBytes = value?.byteLength ?? 0;
  await gateway.pause();
  for (const call of callsOn(storage)) {
    await assert.rejects(call({}), { code: "unavailable", retryable: true });
  }
  for (const call of callsOn(storage)) {
    await assert.rejects(call({ timeoutMs: 100 }), { code: "timeout" });
  }
  await gateway.resume();
  for (const call of callsOn(storage)) await call({});
  while (!done) {
    ({ value, done } = await reader.read());
    readBytes += value?.byteLength ?? 0;
  }
  assert.equal(readBytes, LARGE.byteLength);
  await storage.close();
});

test("a server that is killed in the middle of an upload leaves the old object, and takes the new one later", async () => {
  const gateway = await server();
  const storage = new S3StorageProvider({ ...s3Config(gateway.url), partBytes: PART });
  await storage.createBucket("killed");
  await storage.upload("killed", "a", "old");
  const halves = [LARGE.subarray(0, 2 * PART), LARGE.subarray(2 * PART)];
  const body = new ReadableStream<Uint8Array>({
    async pull(controller): Promise<void> {
      const half = halves.shift();
      if (!half) return controller.close();
      if (halves.length === 0) await gateway.kill();
      controller.enqueue(half);
    },
  }, { highWaterMark: 0 });
  const upload = storage.upload("killed", "a", body);
  await assert.rejects(upload, { code: "unavailable", outcome: "not-applied" });
  await gateway.start();
  assert.equal(new TextDecoder().decode(await storage.download("killed", "a")), "old");
  await storage.upload("killed", "a", LARGE);
  assert.equal((await storage.getMetadata("killed", "a")).size, LARGE.byteLength);
  await storage.close();
});

/** A call for each way in which requests are sent. */
function callsOn(storage: S3StorageProvider): ((options: CallOptions) => Promise<unknown>)[] {
  return [
    (options) => storage.upload("stopped", "b", "text", options),
    (options) => storage.download("stopped", "a", { ...options, range: { offset: 0, length: 9 } }),
    (options) => storage.getMetadata("stopped", "a", options),
    (options) => storage.listObjects("stopped", options),
    (options) => storage.delete("stopped", "b", options),
  ];
}
