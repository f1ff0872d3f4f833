import assert from "node:assert/strict";
import { BUCKET } from "../../../cli/demo/setup.ts";
import { test } from "../../support/permitted.ts";
import { createTestDatabase } from "../../support/postgres.ts";
import { runDemo } from "../../support/run_demo.ts";
import { withS3 } from "../../support/s3.ts";
import { findService, serviceTest } from "../../support/services.ts";

const postgresTest = serviceTest(await findService("postgres"), test);
const redisTest = serviceTest(await findService("redis"), test);
const s3Test = serviceTest(await findService("s3"));

postgresTest("with DATABASE_URL, it imports the real leaderboard", async (url) => {
  const database = await createTestDatabase(url);
  try {
    const { code, stdout, stderr } = await runDemo(["--data", "examples/evalplus.jsonl"], {
      databaseUrl: database.url,
    });
    assert.equal(code, 0, stderr);
    assert.match(stdout, /428 submissions with a score, 72 without/);
    assert.match(stdout, /^ {4}1 {3}96\.3 {2}O1 Preview \(Sept 2024\) {2}\(audited\)$/m);
    assert.match(stdout, /^ {4}3 {3}92\.7 {2}GPT 4o \(Aug 2024\)/m);
    assert.match(stdout, /MBPP: best public result of each model, 89 models/);
    assert.match(stdout, /SHA-256 as recorded/);
  } finally {
    await database.drop();
  }
});

redisTest("with REDIS_URL, the second read of a board comes from that server", async (url) => {
  const { code, stdout, stderr } = await runDemo(["--json"], { redisUrl: url });
  assert.equal(code, 0, stderr);
  const { cache, health } = JSON.parse(stdout);
  assert.equal(cache.databaseReads, 1);
  const part = health.parts.find(({ name }: { name: string }) => name === "cache");
  assert.equal(part.details.adapter, "redis");
});

s3Test(
  "with S3_ENDPOINT, datasets are on that server, and what is read there is checked",
  async (url) => {
    const { code, stdout, stderr } = await runDemo(["--json"], { s3Url: url });
    assert.equal(code, 0, stderr);
    const { dataset, health } = JSON.parse(stdout);
    const part = health.parts.find(({ name }: { name: string }) => name === "storage");
    assert.equal(part.details.adapter, "s3");
    await withS3(url, async (client) => {
      const { HeadObjectCommand } = await import("@aws-sdk/client-s3");
      const head = new HeadObjectCommand({ Bucket: BUCKET, Key: dataset.key });
      const { ContentLength, Metadata } = await client.send(head);
      assert.deepEqual([ContentLength, Metadata?.["sha256"]], [dataset.bytes, dataset.sha256]);
    });
  },
);
