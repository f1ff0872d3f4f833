import assert from "node:assert/strict";
import * as fc from "fast-check";
import { createPool } from "../../../database/create_pool.ts";
import type { DatabasePool } from "../../../database/database_pool.ts";
import { CursorCodec } from "../../../database/cursor.ts";
import { count, readPage } from "../../../database/keyset.ts";
import { migrate } from "../../../database/migrator.ts";
import {
  benchmarkList,
  type BenchmarkListOptions,
  benchmarkSearch,
} from "../../../database/repositories/benchmark_list.ts";
import { newId } from "../../../domain/ids.ts";
import { after, test, whenPermitted } from "../../support/permitted.ts";

const author = newId();
const pool = await whenPermitted(openFilled);
const cursors = new CursorCodec(pool);
after(() => pool.close());

async function openFilled(): Promise<DatabasePool> {
  const pool = await createPool({ embedded: {} });
  await migrate(pool);
  await pool.execute("insert into users (id, email, username) values ($1, 'a@b.org', 'ab')", [
    author,
  ]);
  await pool.execute(
    `insert into benchmarks (id, slug, name, description, category, created_by)
    select gen_random_uuid(), 'b' || i, (array['red lions', 'zebras', 'a or b'])[1 + i % 3],
      'test data', 'accuracy', $1 from generate_series(1, 30) i`,
    [author],
  );
  return pool;
}

/** Words that are there, operators of every search syntax of PostgreSQL, and anything else. */
const text = fc.oneof(
  fc.array(
    fc.constantFrom(
      ..."red|lion|zebras|test|or|and|not|the|-|\"|'|:*|<->|&|!|(|)|\\|%|*|:A|a-b|1e9|é|測|💡"
        .split("|"),
    ),
    { minLength: 1, maxLength: 12 },
  ).chain((parts) => fc.constantFrom("", " ", '"', "-").map((glue) => parts.join(glue))),
  fc.string({ unit: "grapheme", minLength: 1, maxLength: 60 }),
).filter((value) => value !== "" && value.length <= 200 && !value.includes("\0"));

test("a search never fails, and finds what the filter counts", async () => {
  await fc.assert(fc.asyncProperty(text, async (words) => {
    const { items } = await readPage(pool, cursors, benchmarkSearch(words), {});
    assert.equal(items.length, await count(pool, benchmarkList({ text: words })));
  }));
});

test("a tag is never more than a tag", async () => {
  const tags = fc.array(text.filter((tag) => tag.length <= 50), { minLength: 1, maxLength: 3 });
  await fc.assert(fc.asyncProperty(tags, async (values) => {
    assert.equal(await count(pool, benchmarkList({ tags: values })), 0);
  }));
});

test("every filter and sort makes a list of its own", () => {
  const lists: BenchmarkListOptions[] = [
    {},
    { author },
    { maintainer: author },
    { category: "accuracy" },
    { status: "active" },
    { tags: ["a"] },
    { tags: ["a", "b"] },
    { text: "a" },
    { descending: false },
    { sortBy: "updatedAt" },
    { sortBy: "name" },
  ];
  const identities = [
    ...lists.map((options) => benchmarkList(options).identity),
    benchmarkSearch("a").identity,
    benchmarkSearch("b").identity,
    benchmarkSearch("a", { author }).identity,
  ];
  assert.equal(new Set(identities.map((one) => JSON.stringify(one))).size, identities.length);
});

test("what says which page or how to call is no part of a list", () => {
  const page = {
    limit: 5,
    cursor: "a",
    withTotal: true,
    timeoutMs: 1,
    signal: AbortSignal.abort(),
  };
  assert.deepEqual(benchmarkList(page).identity, benchmarkList({}).identity);
  assert.deepEqual(benchmarkSearch("a", page).identity, benchmarkSearch("a").identity);
});

test("names sort from A, times from now, and ids make the order exact", () => {
  assert.equal(benchmarkList({}).descending, true);
  assert.equal(benchmarkList({ sortBy: "updatedAt" }).descending, true);
  assert.equal(benchmarkList({ sortBy: "name" }).descending, false);
  for (const list of [benchmarkList({}), benchmarkSearch("a")]) {
    assert.deepEqual(list.sort.at(-1), { column: "b.id", type: "uuid" });
  }
});
