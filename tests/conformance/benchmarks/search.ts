import assert from "node:assert/strict";
import { INJECTIONS } from "../hostile_text.ts";
import { readAll } from "../people/pages.ts";
import type { BenchmarkFixture, BenchmarkTest } from "./fixture.ts";

/** What a person could type, and what could break a parser of search queries. */
const ODD_TEXTS: readonly string[] = [
  ...INJECTIONS,
  '"',
  '"""',
  '"unfinished phrase',
  "-",
  "- - -",
  '-"',
  "or",
  "or or or",
  "-or",
  "and not the",
  "&",
  "&|!()<->:*",
  "a:*",
  "a <-> b",
  "a & | b",
  "!a",
  "(a",
  "a:ABCD",
  "%",
  "_",
  "\\",
  "\n\t",
  "\u00a0\u200b\u202e",
  "💡",
  "測".repeat(200),
  "a-b-c/d.e@f",
  "http://example.org/a?b=c&d",
  "-1e999",
  "1.0.0-rc.1+build",
];

/** Finding benchmarks by words. */
export function testSearch(test: BenchmarkTest): void {
  test("search ranks a name above a tag, and that above a description", async (fixture) => {
    const description = await fixture.create({ name: "One", description: "about zebras" });
    const name = await fixture.create({ name: "Zebras" });
    const tag = await fixture.create({ name: "Two", tags: ["zebras"] });
    const { items } = await fixture.benchmarks.search("zebra", { author: fixture.userId });
    assert.deepEqual(items.map(({ id }) => id), [name.id, tag.id, description.id]);
    assert.deepEqual(items[0], name);
  });

  test("search understands forms of words, phrases, or and minus", async (fixture) => {
    await fixture.create({ name: "red zebras running" });
    await fixture.create({ name: "zebras red" });
    await fixture.create({ name: "lions" });
    const cases: [text: string, names: string[]][] = [
      ["zebra", ["red zebras running", "zebras red"]],
      ["ZEBRA run", ["red zebras running"]],
      ["the zebras", ["red zebras running", "zebras red"]],
      ['"red zebra"', ["red zebras running"]],
      ["lion or run", ["lions", "red zebras running"]],
      ["zebra -running", ["zebras red"]],
      ["zeb", []],
      ["the", []],
      ["tigers", []],
    ];
    for (const [text, names] of cases) assert.deepEqual(await found(fixture, text), names, text);
  });

  test("search never fails, whatever the text is", async (fixture) => {
    const { benchmarks, userId: author } = fixture;
    await fixture.create({ name: "Zebras" });
    for (const text of ODD_TEXTS) {
      const { items } = await benchmarks.search(text, { author });
      assert.equal(items.length, await benchmarks.count({ author, text }), text);
    }
  });

  test("search finds a benchmark by its new words after an update", async (fixture) => {
    const { id } = await fixture.create({ name: "Zebras" });
    await fixture.benchmarks.update(id, { name: "Lions" });
    assert.deepEqual(await found(fixture, "zebras"), []);
    assert.deepEqual(await found(fixture, "lions"), ["Lions"]);
  });

  test("search takes the filters of a list", async (fixture) => {
    const { benchmarks, userId: author } = fixture;
    await fixture.create({ name: "Zebras", category: "cost" });
    const wanted = await fixture.create({ name: "Zebras", category: "safety", tags: ["x"] });
    const filter = { author, category: "safety", status: "draft", tags: ["x"] } as const;
    const { items, total } = await benchmarks.search("zebras", { ...filter, withTotal: true });
    assert.deepEqual([items.map(({ id }) => id), total], [[wanted.id], 1]);
  });

  test("pages of a search are exact where many rank the same", async (fixture) => {
    const { benchmarks, userId: author } = fixture;
    for (let i = 0; i < 9; i++) await fixture.create({ name: i % 2 ? "Zebras" : "Zebras zebras" });
    const all = (await benchmarks.search("zebras", { author })).items.map(({ id }) => id);
    assert.equal(new Set(all).size, 9);
    for (const limit of [1, 2, 4, 9]) {
      const pages = await readAll(
        (page) => benchmarks.search("zebras", { author, ...page }),
        limit,
      );
      assert.deepEqual(pages.map(({ id }) => id), all);
    }
  });
}

async function found(fixture: BenchmarkFixture, text: string): Promise<string[]> {
  const { items } = await fixture.benchmarks.search(text, { author: fixture.userId });
  return items.map(({ name }) => name).sort();
}
