import assert from "node:assert/strict";
import type { BenchmarkListOptions } from "../../../database/repositories/benchmark_list.ts";
import type { Benchmark, BenchmarkFilter } from "../../../domain/benchmark.ts";
import { newId } from "../../../domain/ids.ts";
import { INJECTIONS, UNSTORABLE } from "../hostile_text.ts";
import { assertChecksLimit, assertGuardsCursors, readAll } from "../people/pages.ts";
import type { BenchmarkTest } from "./fixture.ts";

/** Filters, sorts, pages and counts. */
export function testLists(test: BenchmarkTest): void {
  testFilters(test);
  testOrder(test);
  testHostileFilters(test);
}

function testFilters(test: BenchmarkTest): void {
  test("every filter filters, alone and together with all others", async (fixture) => {
    const { benchmarks, userId: author } = fixture;
    const maintainer = await fixture.addUser();
    const wanted = await fixture.create({
      name: "Wanted zebras",
      category: "safety",
      tags: ["a", "b", "c"],
      maintainers: [author, maintainer],
    });
    await benchmarks.updateStatus(wanted.id, "under_review");
    await fixture.create({ name: "Zebrafish", tags: ["a"], maintainers: [author] });
    const filters: BenchmarkFilter[] = [
      { category: "safety" },
      { status: "under_review" },
      { maintainer },
      { tags: ["b"] },
      { tags: ["c", "a"] },
      { text: "zebra" },
    ];
    for (const filter of [...filters, Object.assign({}, ...filters)]) {
      const found = await benchmarks.list({ author, ...filter });
      assert.deepEqual(ids(found.items), [wanted.id], JSON.stringify(filter));
      assert.equal(await benchmarks.count({ author, ...filter }), 1);
    }
    assert.equal(await benchmarks.count({ author }), 2);
    assert.equal(await benchmarks.count({ author, tags: ["b", "d"] }), 0);
    assert.equal(await benchmarks.count({ author: newId() }), 0);
    assert.equal(await benchmarks.count({ author, maintainer: newId() }), 0);
  });

  test("one filter that does not match is enough to leave a benchmark out", async (fixture) => {
    const { benchmarks, userId: author } = fixture;
    await fixture.create({ name: "Zebras", tags: ["a"], maintainers: [author] });
    const matching: BenchmarkFilter = {
      author,
      maintainer: author,
      category: "accuracy",
      status: "draft",
      tags: ["a"],
      text: "zebras",
    };
    const failing: BenchmarkFilter[] = [
      { author: newId() },
      { maintainer: newId() },
      { category: "cost" },
      { status: "active" },
      { tags: ["a", "A"] },
      { text: "zebras lions" },
    ];
    assert.equal(await benchmarks.count(matching), 1);
    for (const filter of failing) {
      assert.equal(await benchmarks.count({ ...matching, ...filter }), 0, JSON.stringify(filter));
    }
  });

  test("getByCategory and getByTag are lists with that filter", async (fixture) => {
    const { benchmarks, userId: author } = fixture;
    const one = await fixture.create({ category: "cost", tags: ["x", "y"] });
    const two = await fixture.create({ category: "cost", tags: ["x"] });
    await fixture.create({ tags: ["z"] });
    const byCategory = await benchmarks.getByCategory("cost", { author, sortBy: "createdAt" });
    assert.deepEqual(ids(byCategory.items), [two.id, one.id]);
    const byTag = await benchmarks.getByTag("x", { author, descending: false });
    assert.deepEqual(ids(byTag.items), [one.id, two.id]);
    assert.deepEqual(ids((await benchmarks.getByTag("x", { author, tags: ["y"] })).items), [
      one.id,
    ]);
  });

  test("archived benchmarks are listed only by their status", async (fixture) => {
    const { benchmarks, userId: author } = fixture;
    const kept = await fixture.create({ name: "Kept", tags: ["t"] });
    const gone = await fixture.create({ name: "Gone", tags: ["t"] });
    await benchmarks.delete(gone.id);
    assert.deepEqual(ids((await benchmarks.list({ author })).items), [kept.id]);
    assert.deepEqual(ids((await benchmarks.getByTag("t", { author })).items), [kept.id]);
    assert.deepEqual(ids((await benchmarks.search("gone", { author })).items), []);
    assert.equal(await benchmarks.count({ author }), 1);
    assert.deepEqual(ids((await benchmarks.list({ author, status: "archived" })).items), [gone.id]);
    assert.equal(await benchmarks.count({ author, status: "archived" }), 1);
  });

  test("the total is that of all pages", async (fixture) => {
    const { benchmarks, userId: author } = fixture;
    for (let i = 0; i < 3; i++) await fixture.create();
    const page = await benchmarks.list({ author, limit: 2, withTotal: true });
    assert.deepEqual([page.items.length, page.total], [2, 3]);
    assert.equal((await benchmarks.list({ author, limit: 2 })).total, undefined);
  });
}

function testOrder(test: BenchmarkTest): void {
  test("lists sort by creation, last change or name, in both directions", async (fixture) => {
    const { benchmarks, userId: author } = fixture;
    const first = await fixture.createEarlier({ name: "m" });
    const second = await fixture.createEarlier({ name: "z" });
    const third = await fixture.createEarlier({ name: "a" });
    await benchmarks.update(first.id, { description: "changed" });
    const orders: [BenchmarkListOptions, Benchmark[]][] = [
      [{}, [third, second, first]],
      [{ descending: false }, [first, second, third]],
      [{ sortBy: "createdAt", descending: true }, [third, second, first]],
      [{ sortBy: "updatedAt" }, [first, third, second]],
      [{ sortBy: "updatedAt", descending: false }, [second, third, first]],
      [{ sortBy: "name" }, [third, first, second]],
      [{ sortBy: "name", descending: true }, [second, first, third]],
    ];
    for (const [options, expected] of orders) {
      const { items } = await benchmarks.list({ author, ...options });
      assert.deepEqual(ids(items), ids(expected), JSON.stringify(options));
      const paged = await readAll((page) => benchmarks.list({ author, ...options, ...page }), 1);
      assert.deepEqual(ids(paged), ids(expected), JSON.stringify(options));
    }
  });

  test("pages are exact at equal times and at times a microsecond apart", async (fixture) => {
    const { benchmarks, pool, userId: author } = fixture;
    for (let i = 0; i < 12; i++) await fixture.create({ name: "same" });
    await pool.execute(
      `with numbered as (
        select id, row_number() over (order by id) / 3 as number
        from benchmarks where created_by = $1
      ) update benchmarks b set
        created_at = timestamptz '2026-01-01 00:00:00.000001Z' + n.number * interval '1 microsecond',
        updated_at = timestamptz '2026-01-01 00:00:00.000001Z' - n.number * interval '1 microsecond'
      from numbered n where n.id = b.id`,
      [author],
    );
    for (const sortBy of ["createdAt", "updatedAt", "name"] as const) {
      for (const descending of [true, false]) {
        const options = { author, sortBy, descending };
        const all = ids((await benchmarks.list({ ...options, limit: 1_000 })).items);
        assert.equal(new Set(all).size, 12);
        for (const limit of [1, 2, 5, 12]) {
          const paged = await readAll((page) => benchmarks.list({ ...options, ...page }), limit);
          assert.deepEqual(ids(paged), all, JSON.stringify({ sortBy, descending, limit }));
        }
      }
    }
  });

  test("what is created meanwhile neither repeats nor hides a benchmark", async (fixture) => {
    const { benchmarks, userId: author } = fixture;
    const before: string[] = [];
    for (let i = 0; i < 5; i++) before.unshift((await fixture.create()).id);
    const paged = await readAll((page) => benchmarks.list({ author, ...page }), 2, fixture.create);
    assert.deepEqual(ids(paged), before);
  });

  test("a cursor belongs to one list with its filters and its sort", async (fixture) => {
    const { benchmarks, userId: author } = fixture;
    for (let i = 0; i < 2; i++) await fixture.create({ name: "Zebras" });
    await assertGuardsCursors((page) => benchmarks.list({ author, ...page }), [
      (page) => benchmarks.list(page),
      (page) => benchmarks.list({ author, category: "accuracy", ...page }),
      (page) => benchmarks.list({ author, sortBy: "updatedAt", ...page }),
      (page) => benchmarks.list({ author, descending: false, ...page }),
      (page) => benchmarks.search("zebras", { author, ...page }),
    ]);
    await assertGuardsCursors((page) => benchmarks.search("zebras", { author, ...page }), [
      (page) => benchmarks.search("zebra", { author, ...page }),
      (page) => benchmarks.list({ author, text: "zebras", ...page }),
    ]);
    await assertChecksLimit((page) => benchmarks.list({ author, ...page }));
    await assertChecksLimit((page) => benchmarks.search("zebras", { author, ...page }));
  });
}

function testHostileFilters(test: BenchmarkTest): void {
  test("an unknown filter or sort is refused", async ({ benchmarks }) => {
    const unknown: [field: string, options: Record<string, unknown>][] = [
      ["filter", { createdBy: newId() }],
      ["filter", { sort: "name" }],
      ["filter.category", { category: "speed" }],
      ["filter.status", { status: "deleted" }],
      ["filter.author", { author: "me" }],
      ["filter.maintainer", { maintainer: "%" }],
      ["filter.tags", { tags: "a" }],
      ["filter.tags[1]", { tags: ["a", ""] }],
      ["filter.text", { text: "" }],
      ["filter.text", { text: "a".repeat(201) }],
      ["sortBy", { sortBy: "slug; drop table benchmarks" }],
      ["descending", { descending: "desc" }],
    ];
    const missing = undefined as unknown as "cost";
    await assert.rejects(benchmarks.getByCategory(missing), { field: "filter.category" });
    await assert.rejects(benchmarks.getByTag(missing), { field: "filter.tags[0]" });
    for (const [field, options] of unknown) {
      await assert.rejects(benchmarks.list(options), { name: "ValidationError", field });
    }
    await assert.rejects(benchmarks.count({ owner: "me" } as BenchmarkFilter), { field: "filter" });
    await assert.rejects(benchmarks.search("a", { text: "b", sortBy: "name" } as object), {
      field: "filter",
    });
  });

  test("a filter is text, whatever it says", async (fixture) => {
    const { benchmarks, userId: author } = fixture;
    const created = await fixture.create({
      name: "Zebras",
      tags: ["zebra"],
      maintainers: [author],
    });
    for (const text of INJECTIONS) {
      const tags = text.length <= 50 ? [text] : [text.slice(0, 50)];
      assert.deepEqual(await benchmarks.list({ author, tags }), { items: [] }, text);
      assert.equal(await benchmarks.count({ author, tags: ["zebra", ...tags] }), 0, text);
      const found = await benchmarks.list({ author, text: `zebras ${text}`.slice(0, 200) });
      assert.ok(found.items.length <= 1, text);
      for (const field of ["author", "maintainer", "category", "status"]) {
        await assert.rejects(benchmarks.list({ [field]: text }), { field: `filter.${field}` });
      }
    }
    assert.deepEqual(await benchmarks.getById(created.id), created);
  });

  test("tags have no wildcards, and case counts", async (fixture) => {
    const { benchmarks, userId: author } = fixture;
    const odd = await fixture.create({ tags: ["%", "_", "\\", "*", "NULL", "{}"] });
    await fixture.create({ tags: ["a", "null"] });
    for (const tag of odd.tags) {
      assert.deepEqual(ids((await benchmarks.getByTag(tag, { author })).items), [odd.id], tag);
    }
    assert.deepEqual((await benchmarks.getByTag("A", { author })).items, []);
  });

  test("text that no store keeps is refused in every filter", async ({ benchmarks }) => {
    for (const text of UNSTORABLE) {
      await assert.rejects(benchmarks.list({ text }), { field: "filter.text" });
      await assert.rejects(benchmarks.search(text), { field: "text" });
      await assert.rejects(benchmarks.getByTag(text), { field: "filter.tags[0]" });
    }
  });
}

function ids(benchmarks: readonly Benchmark[]): string[] {
  return benchmarks.map(({ id }) => id);
}
