import assert from "node:assert/strict";
import type { DatabasePool } from "../../../database/database_pool.ts";
import {
  BENCHMARK_STATUSES,
  type BenchmarkStatus,
  STATUS_TRANSITIONS,
} from "../../../domain/benchmark.ts";
import type { DatabaseHarness } from "../database_harness.ts";
import type { BenchmarkFixture, BenchmarkTest } from "./fixture.ts";

/** A way from `draft` to each status. */
const WAYS: Readonly<Record<BenchmarkStatus, readonly BenchmarkStatus[]>> = {
  draft: [],
  under_review: ["under_review"],
  active: ["under_review", "active"],
  deprecated: ["under_review", "active", "deprecated"],
  archived: ["under_review", "active", "deprecated", "archived"],
};

/** The life of a benchmark, also when many want to decide about it. */
export function testStatus(test: BenchmarkTest, { capabilities }: DatabaseHarness): void {
  test("a status follows another as the domain says, and no other way", async (fixture) => {
    for (const from of BENCHMARK_STATUSES) {
      for (const to of BENCHMARK_STATUSES) {
        const id = await createIn(fixture, from);
        const moved = fixture.benchmarks.updateStatus(id, to);
        if (STATUS_TRANSITIONS[from].includes(to)) {
          assert.equal((await moved).status, to);
          continue;
        }
        await assert.rejects(moved, {
          code: "conflict",
          message: `Cannot update benchmark status: ${from} cannot become ${to}`,
        });
        assert.equal((await fixture.benchmarks.getById(id))?.status, from);
      }
    }
  });

  test("a change of status counts as a change", async ({ benchmarks, createEarlier }) => {
    const created = await createEarlier();
    const updated = await benchmarks.updateStatus(created.id, "under_review");
    const { updatedAt } = updated;
    assert.ok(updatedAt > created.updatedAt);
    assert.deepEqual(updated, { ...created, status: "under_review", updatedAt, revision: 2 });
    await assert.rejects(
      benchmarks.updateStatus(created.id, "active", { expectedRevision: 1 }),
      {
        code: "conflict",
        message: "Cannot update benchmark status: it changed meanwhile, " +
          "expected revision 1, current revision 2",
      },
    );
  });

  test("of the same change many times at once, one succeeds", async (fixture) => {
    const id = await createIn(fixture, "under_review");
    const results = await Promise.allSettled(
      Array.from({ length: 8 }, () => fixture.benchmarks.updateStatus(id, "active")),
    );
    const failures = results.filter((result) => result.status === "rejected");
    assert.deepEqual(
      failures.map(({ reason }) => reason.message),
      Array(7).fill("Cannot update benchmark status: active cannot become active"),
    );
  });

  test("of two decisions that exclude each other, one succeeds", async (fixture) => {
    for (let round = 0; round < 10; round++) {
      const id = await createIn(fixture, "under_review");
      const results = await Promise.allSettled([
        fixture.benchmarks.updateStatus(id, "active"),
        fixture.benchmarks.updateStatus(id, "draft"),
      ]);
      const statuses = results.filter((one) => one.status === "fulfilled").map(({ value }) =>
        value.status
      );
      assert.equal(statuses.length, 1);
      assert.equal((await fixture.benchmarks.getById(id))?.status, statuses[0]);
    }
  });

  if (!capabilities.concurrentConnections) return;

  test("a change waits for one that is not committed, and then starts from it", async (fixture) => {
    const { pool, benchmarks } = fixture;
    const id = await createIn(fixture, "under_review");
    const updated = gate();
    const released = gate();
    const first = pool.transaction(async (transaction) => {
      await transaction.execute("update benchmarks set status = 'active' where id = $1", [id]);
      updated.open();
      await released.opened;
    });
    await updated.opened;
    const second = assert.rejects(benchmarks.updateStatus(id, "draft"), {
      code: "conflict",
      message: "Cannot update benchmark status: active cannot become draft",
    });
    const settled = second.then(() => true);
    while (!await Promise.race([settled, someoneWaits(pool)]));
    released.open();
    await Promise.all([first, second]);
  });
}

function gate(): { open(): void; readonly opened: Promise<void> } {
  let open = (): void => {};
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { open: () => open(), opened };
}

async function someoneWaits(pool: DatabasePool): Promise<boolean> {
  const { rows } = await pool.execute(
    `select exists (
      select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'
    ) as waits`,
  );
  return rows[0]?.["waits"] === true;
}

async function createIn(
  { benchmarks, create }: BenchmarkFixture,
  status: BenchmarkStatus,
): Promise<string> {
  const { id } = await create();
  for (const next of WAYS[status]) await benchmarks.updateStatus(id, next);
  return id;
}
