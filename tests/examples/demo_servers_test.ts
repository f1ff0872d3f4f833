import assert from "node:assert/strict";
import { createTestDatabase } from "../support/postgres.ts";
import { runDemo } from "../support/run_demo.ts";
import { findService, serviceTest } from "../support/services.ts";

const postgresTest = serviceTest(await findService("postgres"));
const redisTest = serviceTest(await findService("redis"));

postgresTest("with DATABASE_URL, it imports the real leaderboard", async (url) => {
  const database = await createTestDatabase(url);
  try {
    const { code, stdout, stderr } = await runDemo([], { databaseUrl: database.url });
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
