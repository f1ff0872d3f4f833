import assert from "node:assert/strict";
import { test } from "node:test";
import type { CallOptions } from "../../core/call_options.ts";
import { DatabasePool } from "../../database/database_pool.ts";
import { leftMs, shareDeadline } from "../../database/deadline.ts";
import { PostgresBenchmarkRepository } from "../../database/repositories/benchmark_repository.ts";
import { PostgresOrganizationRepository } from "../../database/repositories/organization_repository.ts";
import { PostgresSubmissionRepository } from "../../database/repositories/submission_repository.ts";
import { PostgresUserRepository } from "../../database/repositories/user_repository.ts";
import { FakeDriver } from "../support/fake_driver.ts";

const pool = new DatabasePool(new FakeDriver(), { timeoutMs: 10_000 });

test("a deadline that has passed still gives a valid timeout", () => {
  assert.equal(leftMs(-Infinity), 1);
  assert.ok(leftMs(performance.now() + 1_000) > 900);
});

test("a shared deadline is that of the call, else that of the database, and shrinks", async () => {
  const { signal } = new AbortController();
  const given = shareDeadline(pool, { signal, timeoutMs: 1_000 });
  const byDefault = shareDeadline(pool, {});
  const before = given().timeoutMs ?? NaN;
  await new Promise((resolve) => setTimeout(resolve, 10));
  const after = given().timeoutMs ?? NaN;
  assert.ok(before <= 1_000 && after > 500 && after < before, `${before}, ${after}`);
  assert.equal(given().signal, signal);
  const leftByDefault = byDefault().timeoutMs ?? NaN;
  assert.ok(leftByDefault > 9_000 && leftByDefault < 10_000, String(leftByDefault));
});

const ID = "00000000-0000-7000-8000-000000000001";
const PUBLICATION = {
  version: "1.0.0",
  createdBy: ID,
  evaluation: { primaryMetric: { name: "accuracy", type: "accuracy", higherIsBetter: true } },
} as const;
const MODEL = { provider: "provider", name: "model" };

/** Calls whose first statement returns this row, or none, and whose second one never ends. */
const CALLS: Readonly<
  Record<string, [row: Record<string, unknown> | undefined, call: (db: DatabasePool) => Call]>
> = {
  "a user's update": [undefined, (db) => (call) => users(db).updateRole(ID, "admin", call)],
  "an organization's update": [undefined, (db) => (call) => organizations(db).verify(ID, call)],
  "a benchmark's update": [undefined, (db) => (call) => benchmarks(db).update(ID, {}, call)],
  "a change of status": [
    undefined,
    (db) => (call) => benchmarks(db).updateStatus(ID, "active", call),
  ],
  "a publication": [
    undefined,
    (db) => (call) => benchmarks(db).publishVersion(ID, PUBLICATION, call),
  ],
  "an archiving": [undefined, (db) => (call) => benchmarks(db).delete(ID, call)],
  "a submission's update": [
    undefined,
    (db) => (call) => submissions(db).updateVisibility(ID, "private", call),
  ],
  "a submission's deletion": [undefined, (db) => (call) => submissions(db).delete(ID, call)],
  "a board": [
    { id: ID },
    (db) => (call) => submissions(db).getLeaderboard({ benchmarkId: ID }, call),
  ],
  "a rank": [
    { id: ID },
    (db) => (call) => submissions(db).getRank({ benchmarkId: ID }, MODEL, call),
  ],
  "the best of a model": [
    { submission_id: ID },
    (db) => (call) => submissions(db).getBestForModel({ versionId: ID }, MODEL, call),
  ],
};

type Call = (options: CallOptions) => Promise<unknown>;

const users = (db: DatabasePool) => new PostgresUserRepository(db);
const organizations = (db: DatabasePool) => new PostgresOrganizationRepository(db);
const benchmarks = (db: DatabasePool) => new PostgresBenchmarkRepository(db);
const submissions = (db: DatabasePool) => new PostgresSubmissionRepository(db);

for (const [name, [row, call]] of Object.entries(CALLS)) {
  test(`the statements of ${name} share one deadline`, async () => {
    const driver = new FakeDriver();
    let statements = 0;
    driver.answer = async () => {
      if (++statements > 1) return await new Promise(() => {});
      await new Promise((resolve) => setTimeout(resolve, 60));
      return { rows: row ? [row] : [], rowCount: 0, command: "" };
    };
    await assert.rejects(
      call(new DatabasePool(driver))({ timeoutMs: 100 }),
      ({ code, message }: Error & { code?: string }) => {
        const left = Number(/no answer within (\d+) ms/.exec(message)?.[1]);
        return code === "timeout" && left > 0 && left <= 45;
      },
    );
    assert.equal(statements, 2);
  });
}

test("a bad timeout or signal is refused before the first statement", () => {
  assert.throws(() => shareDeadline(pool, { signal: 5 as never }), { field: "signal" });
  for (const timeoutMs of [0, -1, NaN, Infinity]) {
    assert.throws(() => shareDeadline(pool, { timeoutMs }), { field: "timeoutMs" });
  }
});
