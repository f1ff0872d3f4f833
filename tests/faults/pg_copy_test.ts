import assert from "node:assert/strict";
import type { DatabasePool } from "../../database/database_pool.ts";
import { PostgresSubmissionRepository } from "../../database/repositories/submission_repository.ts";
import { newId } from "../../domain/ids.ts";
import type { CallOptions } from "../../core/call_options.ts";
import { swallowReply, type Toxic } from "../support/toxics.ts";
import {
  failureOf,
  LOST_BEFORE,
  query,
  server,
  stopServer,
  test,
  verdict,
  withProxiedPool,
} from "../support/transaction_faults.ts";

const COPY = /copy submission_results/;

test("a server that hangs while results are copied keeps nothing of the submission", async () => {
  await withProxiedPool(async (pool, proxy) => {
    const submit = await prepareSubmission(pool);
    const postgres = await server();
    let hung = false;
    const hang: Toxic = () => async (data, direction) => {
      if (direction === "request" && COPY.test(data.toString("latin1"))) {
        await postgres.pause();
        hung = true;
      }
      return data;
    };
    proxy.add(hang);
    const error = await failureOf(submit({ timeoutMs: 1_000 }));
    proxy.heal();
    postgres.resume();
    assert.ok(hung);
    assert.deepEqual([error.code, error.outcome], ["timeout", "not-applied"]);
    await keepsOnlyNext(submit);
  });
});

test("a connection that is lost while results are copied keeps nothing of the submission", async () => {
  await withProxiedPool(async (pool, proxy) => {
    const submit = await prepareSubmission(pool);
    proxy.add(swallowReply(COPY));
    assert.deepEqual(verdict(await failureOf(submit())), LOST_BEFORE);
    proxy.heal();
    await keepsOnlyNext(submit);
  });
});

test("the server of the suite goes", stopServer);

type Submit = (options?: CallOptions) => Promise<unknown>;

/** Gives back what submits 10,000 results for a version of its own. */
async function prepareSubmission(pool: DatabasePool): Promise<Submit> {
  const [userId, benchmarkId, versionId] = [newId(), newId(), newId()];
  await query("delete from submissions");
  await pool.execute("insert into users (id, email, username) values ($1::uuid, $2, $1::text)", [
    userId,
    `${userId}@example.org`,
  ]);
  await pool.execute(
    `insert into benchmarks (id, slug, name, category, created_by)
    values ($1::uuid, $1::text, 'A benchmark', 'accuracy', $2)`,
    [benchmarkId, userId],
  );
  await pool.execute(
    `insert into benchmark_versions (id, benchmark_id, version, precedence, evaluation, created_by)
    values ($1, $2, '1.0.0', '1', '{"primaryMetric":{"higherIsBetter":true}}', $3)`,
    [versionId, benchmarkId, userId],
  );
  const results = Array.from({ length: 10_000 }, (_, index) => ({ caseName: `case ${index}` }));
  const model = { provider: "provider", name: "model" };
  return (options) =>
    new PostgresSubmissionRepository(pool).create(
      { versionId, model, submittedBy: userId, score: 1, results },
      options,
    );
}

/** What failed left nothing behind, not even a lock, and the pool serves the next submission. */
async function keepsOnlyNext(submit: Submit): Promise<void> {
  assert.deepEqual(await query("select id from submissions"), []);
  await submit();
  const counts = "select count(distinct submission_id)::int from submission_results union all " +
    "select count(*)::int from submission_results union all " +
    "select count(*)::int from leaderboard_entries";
  assert.deepEqual(await query(counts), [1, 10_000, 1]);
}
