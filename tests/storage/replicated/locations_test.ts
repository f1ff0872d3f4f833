import assert from "node:assert/strict";
import { test } from "node:test";
import { NotFoundError, StorageError, ValidationError } from "../../../core/errors.ts";
import {
  canFailOver,
  firstAnswer,
  type Location,
} from "../../../storage/adapters/replicated/locations.ts";
import { MemoryStorageProvider } from "../../../storage/adapters/memory.ts";
import { damaged, missing } from "../../../storage/failures.ts";
import { Reports } from "../../support/faulty_redis.ts";

const LOCATIONS: readonly Location[] = ["primary", "replica 1", "replica 2"].map((name) => {
  return { name, storage: new MemoryStorageProvider() };
});
const LIMITS = { defaultTimeoutMs: 60_000 };

function failure(code: "unavailable" | "timeout" | "permission_denied"): StorageError {
  const retryable = code !== "permission_denied";
  return new StorageError("Cannot read: it failed", { code, operation: "read", retryable });
}

/** Asks with these failures by location; resolves with who was asked, and the answer. */
async function ask(failures: Readonly<Record<string, Error>>, reports = new Reports()) {
  const asked: string[] = [];
  const settings = { failoverMs: 100, observer: reports };
  const answer = await firstAnswer(LOCATIONS, LIMITS, settings, ({ name }) => {
    asked.push(name);
    return failures[name] ? Promise.reject(failures[name]) : Promise.resolve(name);
  }).catch((error) => error);
  return { asked, answer };
}

test("the primary is asked first, and the others only if it cannot answer", async () => {
  assert.deepEqual(await ask({}), { asked: ["primary"], answer: "primary" });
  const reports = new Reports();
  const away = { "primary": failure("unavailable"), "replica 1": failure("timeout") };
  assert.deepEqual(await ask(away, reports), {
    asked: ["primary", "replica 1", "replica 2"],
    answer: "replica 2",
  });
  assert.deepEqual(reports.of("storage.failed_over"), [
    { location: "primary", code: "unavailable" },
    { location: "replica 1", code: "timeout" },
  ]);
});

test("what the primary refuses counts", async () => {
  for (const error of [missing("exists", "object"), failure("permission_denied")]) {
    assert.deepEqual(await ask({ primary: error }), { asked: ["primary"], answer: error });
  }
});

test("what a replica refuses does not count: it may lag behind", async () => {
  const primary = failure("unavailable");
  const lagging = missing("exists", "object");
  const one = await ask({ primary, "replica 1": lagging });
  assert.equal(one.answer, "replica 2");
  const none = await ask({ primary, "replica 1": lagging, "replica 2": lagging });
  assert.equal(none.answer, primary);
});

test("all but the last one have to answer soon", async () => {
  const given: number[] = [];
  const settings = { failoverMs: 100, observer: new Reports() };
  const limits = { defaultTimeoutMs: 60_000, timeoutMs: 5_000 };
  const answer = firstAnswer(LOCATIONS, limits, settings, (_, { timeoutMs = 0 }) => {
    given.push(timeoutMs);
    return Promise.reject(failure("timeout"));
  });
  await assert.rejects(answer, { code: "timeout" });
  assert.deepEqual(given.slice(0, 2), [100, 100]);
  assert.ok(given[2]! > 1_000, `the last one had ${given[2]} ms`);
});

test("nobody is asked any more when the caller has gone", async () => {
  const aborter = new AbortController();
  const settings = { failoverMs: 100, observer: new Reports() };
  let asked = 0;
  const answer = firstAnswer(
    LOCATIONS,
    { ...LIMITS, signal: aborter.signal },
    settings,
    ({ name }) => {
      asked++;
      if (name === "replica 1") aborter.abort();
      return Promise.reject(failure("unavailable"));
    },
  );
  await assert.rejects(answer, { code: "unavailable" });
  assert.equal(asked, 2);
});

test("another location can do better than one that is away, slow or damaged", () => {
  const better = [failure("unavailable"), failure("timeout"), damaged("download", "a")];
  assert.deepEqual(better.map(canFailOver), [true, true, true]);
  const same = [
    failure("permission_denied"),
    new NotFoundError("object", { operation: "read" }),
    new ValidationError("key", "it is bad"),
    new Error("a mistake"),
  ];
  assert.deepEqual(same.map(canFailOver), [false, false, false, false]);
});
