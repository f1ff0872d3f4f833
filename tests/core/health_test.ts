import assert from "node:assert/strict";
import { test } from "node:test";
import { checkHealth, type HealthCheck } from "../../core/health.ts";

const working: HealthCheck = { name: "cache", check: () => Promise.resolve({ keys: 3 }) };
const broken: HealthCheck = {
  name: "database",
  check: () => Promise.reject(new Error("Cannot connect: refused")),
};
const silent: HealthCheck = { name: "storage", check: () => new Promise(() => {}) };

test("every part is in the report, in the given order, with what it had to show", async () => {
  const report = await checkHealth([broken, working]);
  assert.equal(report.healthy, false);
  const [first, second] = report.parts.map(({ latencyMs: _, ...part }) => part);
  assert.deepEqual(first, { name: "database", healthy: false, error: "Cannot connect: refused" });
  assert.deepEqual(second, { name: "cache", healthy: true, details: { keys: 3 } });
});

test("the whole is healthy only if every part is", async () => {
  assert.equal((await checkHealth([working, working])).healthy, true);
  assert.equal((await checkHealth([working, broken])).healthy, false);
  assert.deepEqual(await checkHealth([]), { healthy: true, parts: [] });
});

test("a part that does not answer in time is unhealthy, and does not hold up the others", async () => {
  // The deadline alone does not keep a process alive; in a program, the part's socket does.
  const socket = setInterval(() => {}, 1_000);
  const report = await checkHealth([silent, working], { timeoutMs: 20 });
  clearInterval(socket);
  assert.equal(report.parts[0]!.error, "Cannot check storage: timeout");
  const { latencyMs } = report.parts[0]!;
  assert.ok(latencyMs >= 19 && latencyMs < 1_900, `${latencyMs}`);
  assert.equal(report.parts[1]!.healthy, true);
});

test("an abort ends the check", async () => {
  const report = await checkHealth([silent], { signal: AbortSignal.abort() });
  assert.equal(report.parts[0]!.error, "Cannot check storage: aborted");
});

test("a part that throws, or rejects with what is no error, is unhealthy", async () => {
  const throws: HealthCheck = {
    name: "a",
    check: () => {
      throw new Error("Cannot start: too early");
    },
  };
  const odd: HealthCheck = { name: "b", check: () => Promise.reject("text") };
  const report = await checkHealth([throws, odd]);
  assert.deepEqual(report.parts.map(({ error }) => error), [
    "Cannot start: too early",
    "it failed",
  ]);
});

test("a part gets the deadline and the signal, so that it can stop", async () => {
  const options = { timeoutMs: 50, signal: new AbortController().signal };
  let seen: unknown;
  const check: HealthCheck["check"] = (given) => {
    seen = given;
    return Promise.resolve({});
  };
  await checkHealth([{ name: "a", check }], options);
  assert.deepEqual(seen, options);
});
