import assert from "node:assert/strict";
import { PostgresBenchmarkRepository } from "../../../database/repositories/benchmark_repository.ts";
import { type BenchmarkEvent, benchmarkEventSchema } from "../../../domain/events.ts";
import { assertRolledBack, countEvents, eventsOf } from "../outbox_rows.ts";
import { type BenchmarkFixture, type BenchmarkTest, version } from "./fixture.ts";

function events({ pool }: BenchmarkFixture, id: string): Promise<BenchmarkEvent[]> {
  return eventsOf(pool, benchmarkEventSchema, "benchmark", id);
}

/** What changes of benchmarks leave in the outbox. */
export function testEvents(test: BenchmarkTest): void {
  test("changes of a benchmark write their events, in order", async (fixture) => {
    const { benchmarks, userId } = fixture;
    const { id: benchmarkId } = await fixture.create({ name: `It's "quoted"` });
    await benchmarks.updateStatus(benchmarkId, "under_review");
    await benchmarks.updateStatus(benchmarkId, "active");
    const next = { ...version("1.1.0+linux"), changelog: "more", createdBy: userId };
    await benchmarks.publishVersion(benchmarkId, next);
    const { id: successorId } = await fixture.create();
    const why = { changedBy: userId, reason: `it's "leaked"` };
    await benchmarks.updateStatus(benchmarkId, "deprecated", { ...why, successorId });
    await benchmarks.delete(benchmarkId);
    assert.deepEqual(await events(fixture, benchmarkId), [
      { type: "Created", benchmarkId, name: `It's "quoted"`, createdBy: userId },
      { type: "StatusChanged", benchmarkId, oldStatus: "draft", newStatus: "under_review" },
      { type: "StatusChanged", benchmarkId, oldStatus: "under_review", newStatus: "active" },
      {
        type: "Updated",
        benchmarkId,
        version: "1.1.0+linux",
        changelog: "more",
        updatedBy: userId,
      },
      {
        type: "StatusChanged",
        benchmarkId,
        oldStatus: "active",
        newStatus: "deprecated",
        ...why,
      },
      { type: "Deprecated", benchmarkId, reason: why.reason, successorId, deprecatedBy: userId },
      { type: "StatusChanged", benchmarkId, oldStatus: "deprecated", newStatus: "archived" },
    ]);
  });

  test("who moves a benchmark on is an id, and the reason is bounded", async (fixture) => {
    const { benchmarks } = fixture;
    const { id } = await fixture.create();
    const refused = { changedBy: "me", successorId: "other", reason: "x".repeat(2_001) };
    for (const [name, value] of Object.entries(refused)) {
      const options = { [name]: value };
      await assert.rejects(benchmarks.updateStatus(id, "under_review", options), {
        code: "invalid_input",
        field: `options.${name}`,
      });
    }
    assert.equal((await benchmarks.getById(id))?.status, "draft");
  });

  test("a change of what describes a benchmark names the fields, and no change writes none", async (fixture) => {
    const { benchmarks, userId } = fixture;
    const { id: benchmarkId, name } = await fixture.create({ tags: ["a"] });
    await benchmarks.update(benchmarkId, { description: "new", tags: ["b"], license: "MIT" });
    await benchmarks.update(benchmarkId, { name, tags: ["b"] });
    await benchmarks.update(benchmarkId, {});
    await benchmarks.update(benchmarkId, { maintainers: [userId] });
    const found = (await events(fixture, benchmarkId)).slice(1);
    assert.deepEqual(found, [
      { type: "DetailsChanged", benchmarkId, changedFields: ["description", "license", "tags"] },
      { type: "DetailsChanged", benchmarkId, changedFields: ["maintainers"] },
    ]);
  });

  test("a refused change of a benchmark writes no event", async (fixture) => {
    const { benchmarks, pool } = fixture;
    const { id, slug } = await fixture.create();
    await benchmarks.delete(id);
    const before = await countEvents(pool);
    await benchmarks.delete(id);
    await assert.rejects(benchmarks.updateStatus(id, "active"), { code: "conflict" });
    await assert.rejects(fixture.create({ slug }), { code: "already_exists" });
    const next = { ...version("2.0.0"), createdBy: fixture.userId };
    await assert.rejects(benchmarks.publishVersion(id, next), { code: "conflict" });
    assert.equal(await countEvents(pool), before);
  });

  test("a rolled back change of a benchmark leaves no event", async (fixture) => {
    const { id } = await fixture.create();
    await assertRolledBack(fixture.pool, async (transaction) => {
      const benchmarks = new PostgresBenchmarkRepository(transaction);
      await benchmarks.create(fixture.draft());
      await benchmarks.updateStatus(id, "under_review");
    });
  });

  test("benchmarks whose repository writes no events leave none", async (fixture) => {
    const benchmarks = new PostgresBenchmarkRepository(fixture.pool, { events: false });
    const before = await countEvents(fixture.pool);
    const { id } = await benchmarks.create(fixture.draft());
    await benchmarks.publishVersion(id, { ...version("2.0.0"), createdBy: fixture.userId });
    await benchmarks.updateStatus(id, "under_review");
    await benchmarks.update(id, { description: "new" });
    await benchmarks.delete(id);
    assert.equal(await countEvents(fixture.pool), before);
  });
}
