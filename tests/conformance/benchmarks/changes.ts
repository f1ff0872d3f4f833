import assert from "node:assert/strict";
import type { BenchmarkChanges } from "../../../domain/benchmark.ts";
import { newId } from "../../../domain/ids.ts";
import { INJECTIONS } from "../hostile_text.ts";
import type { BenchmarkTest } from "./fixture.ts";

const DESCRIBED = {
  name: "Old name",
  description: "Old description",
  license: "MIT",
  citation: "Old citation",
  tags: ["old"],
};

/** Changing what describes a benchmark, and deleting it. */
export function testChanges(test: BenchmarkTest): void {
  test("update changes what is given and leaves the rest", async (fixture) => {
    const { benchmarks, userId, addUser } = fixture;
    const created = await fixture.createEarlier({ ...DESCRIBED, maintainers: [userId] });
    const changes: Required<BenchmarkChanges> = {
      name: "New name",
      description: "",
      category: "safety",
      license: "Apache-2.0",
      citation: "New citation",
      tags: ["new", '"', "\\"],
      maintainers: [userId, await addUser()].sort(),
    };
    let expected = created;
    for (const [field, value] of Object.entries(changes)) {
      const updated = await benchmarks.update(created.id, { [field]: value });
      const { updatedAt } = updated;
      assert.ok(updatedAt > created.updatedAt);
      expected = { ...expected, [field]: value, updatedAt, revision: expected.revision + 1 };
      assert.deepEqual(updated, expected);
    }
    assert.deepEqual(await benchmarks.getById(created.id), expected);
  });

  test("update removes what is null, and leaves what is undefined", async (fixture) => {
    const { benchmarks } = fixture;
    const created = await fixture.create(DESCRIBED);
    const { license, citation, name, tags } = await benchmarks.update(created.id, {
      license: null,
      citation: null,
      name: undefined,
      tags: [],
    });
    assert.deepEqual([license, citation, name, tags], [undefined, undefined, DESCRIBED.name, []]);
  });

  testMaintainers(test);

  test("update keeps hostile text as it is", async ({ benchmarks, create }) => {
    const { id } = await create();
    for (const text of INJECTIONS) {
      const changes = { name: text, description: text, tags: [text.slice(0, 50)] };
      const { name, description, tags } = await benchmarks.update(id, changes);
      assert.deepEqual({ name, description, tags }, changes);
    }
  });

  test("updates of different parts at the same time are all kept", async (fixture) => {
    const { benchmarks } = fixture;
    const { id } = await fixture.create(DESCRIBED);
    const { name, license, ...rest } = { ...DESCRIBED, name: "New", license: "New" };
    await Promise.all([
      benchmarks.update(id, { name }),
      benchmarks.update(id, { license }),
      benchmarks.update(id, { category: "cost" }),
    ]);
    const found = await benchmarks.getById(id);
    assert.deepEqual(
      [found?.name, found?.license, found?.category, found?.citation, found?.revision],
      ["New", "New", "cost", rest.citation, 4],
    );
  });

  test("an update with an old revision is a conflict that says both", async (fixture) => {
    const { benchmarks } = fixture;
    const { id } = await fixture.create();
    await benchmarks.update(id, { name: "First" }, { expectedRevision: 1 });
    await assert.rejects(benchmarks.update(id, { name: "Second" }, { expectedRevision: 1 }), {
      code: "conflict",
      message:
        "Cannot update benchmark: it changed meanwhile, expected revision 1, current revision 2",
    });
    assert.equal((await benchmarks.getById(id))?.name, "First");
    for (const expectedRevision of [0, 1.5, NaN, 2 ** 31]) {
      await assert.rejects(benchmarks.update(id, {}, { expectedRevision }), {
        field: "expectedRevision",
      });
    }
  });

  test("of updates that expect the same revision at the same time, one wins", async (fixture) => {
    const { benchmarks } = fixture;
    const { id } = await fixture.create();
    const results = await Promise.allSettled(
      ["a", "b", "c", "d"].map((name) => benchmarks.update(id, { name }, { expectedRevision: 1 })),
    );
    const failures = results.filter((result) => result.status === "rejected");
    assert.deepEqual(failures.map(({ reason }) => reason.code), Array(3).fill("conflict"));
  });

  test("a change of a benchmark that does not exist is not_found", async ({ benchmarks }) => {
    const missing = { name: "NotFoundError", code: "not_found", resource: "benchmark" };
    await assert.rejects(benchmarks.update(newId(), { name: "a" }), missing);
    await assert.rejects(benchmarks.updateStatus(newId(), "active"), missing);
    await assert.rejects(benchmarks.delete(newId()), missing);
  });

  test("delete archives, and the slug stays taken", async ({ benchmarks, create }) => {
    const { id, slug } = await create();
    await benchmarks.delete(id);
    const found = await benchmarks.getBySlug(slug);
    assert.deepEqual([found?.id, found?.status, found?.revision], [id, "archived", 2]);
    assert.equal(await benchmarks.slugExists(slug), true);
    await assert.rejects(create({ slug }), { code: "already_exists", field: "slug" });
  });

  test("deleting again changes nothing", async ({ benchmarks, create }) => {
    const { id } = await create();
    await Promise.all([benchmarks.delete(id), benchmarks.delete(id)]);
    const archived = await benchmarks.getById(id);
    await benchmarks.delete(id);
    await benchmarks.delete(id, { expectedRevision: 2 });
    assert.deepEqual(await benchmarks.getById(id), archived);
  });

  test("deleting with an old revision is a conflict", async ({ benchmarks, create }) => {
    const { id } = await create();
    const stale = { code: "conflict" };
    await assert.rejects(benchmarks.delete(id, { expectedRevision: 5 }), stale);
    assert.equal((await benchmarks.getById(id))?.status, "draft");
    await benchmarks.delete(id, { expectedRevision: 1 });
    await assert.rejects(benchmarks.delete(id, { expectedRevision: 1 }), stale);
  });
}

function testMaintainers(test: BenchmarkTest): void {
  test("update replaces the set of maintainers, or empties it", async (fixture) => {
    const { benchmarks, userId, addUser } = fixture;
    const [first, second] = [await addUser(), await addUser()];
    const { id } = await fixture.create({ maintainers: [userId, first] });
    const change = { maintainers: [second, first, first.toUpperCase()], name: "Other" };
    const changed = await benchmarks.update(id, change, { expectedRevision: 1 });
    assert.deepEqual(changed.maintainers, [first, second].sort());
    assert.deepEqual([changed.name, changed.revision], ["Other", 2]);
    assert.deepEqual(await benchmarks.getById(id), changed);
    assert.equal(await benchmarks.count({ maintainer: second }), 1);
    assert.equal(await benchmarks.count({ maintainer: userId, author: userId }), 0);
    assert.deepEqual((await benchmarks.update(id, { maintainers: [] })).maintainers, []);
    assert.deepEqual((await benchmarks.getById(id))?.maintainers, []);
  });

  test("bad maintainers are refused as in create, and nothing is changed", async (fixture) => {
    const { benchmarks, userId } = fixture;
    const created = await fixture.create({ maintainers: [userId] });
    const bad: [object, unknown[]][] = [
      [{ code: "invalid_input", field: "changes.maintainers[0]" }, ["somebody"]],
      [{ code: "invalid_input", field: "changes.maintainers" }, Array.from({ length: 101 }, newId)],
      [{ code: "constraint_violated", field: "maintainers" }, [userId, newId()]],
    ];
    for (const [expected, maintainers] of bad) {
      const changes = { name: "Other", maintainers } as BenchmarkChanges;
      await assert.rejects(benchmarks.update(created.id, changes), expected);
    }
    const stale = { expectedRevision: 7 };
    const call = benchmarks.update(created.id, { maintainers: [] }, stale);
    await assert.rejects(call, { code: "conflict", message: /expected revision 7, current .* 1$/ });
    await assert.rejects(benchmarks.update(newId(), { maintainers: [] }), { code: "not_found" });
    assert.deepEqual(await benchmarks.getById(created.id), created);
  });

  test("of sets of maintainers that are given at the same time, one stays whole", async (fixture) => {
    const { benchmarks } = fixture;
    const users = await Promise.all(Array.from({ length: 8 }, fixture.addUser));
    const { id } = await fixture.create({ maintainers: users });
    await Promise.all(users.map((one) => benchmarks.update(id, { maintainers: [one] })));
    const found = await benchmarks.getById(id);
    assert.deepEqual([found?.maintainers.length, found?.revision], [1, 9]);
  });
}
