import assert from "node:assert/strict";
import type { ListOptions, StorageProvider } from "../../../storage/storage.ts";
import type { StorageCase } from "./case.ts";

/** In the order of their UTF-8 bytes, in which `/` comes between `.` and `0`, and U+FFFD before 😀. */
const ORDERED: readonly string[] = [
  "A",
  "a",
  "a b",
  "a!b",
  "a-",
  "a.b",
  "a/",
  "a/b",
  "a/b/c",
  "a/c",
  "a0",
  "aa/b",
  "b/c/d/e",
  "b/c/f",
  "b/d",
  `${"x".repeat(80)}`,
  `${"x".repeat(80)}!/a`,
  `${"x".repeat(80)}/a`,
  `${"x".repeat(80)}0`,
  `${"x".repeat(81)}`,
  "é",
  "\ufffd",
  "😀",
].filter((key) => !key.endsWith("/"));

/** The section "Listing" of the specification. */
export const listingCases: readonly StorageCase[] = [
  {
    sentence: "keys come in the order of their UTF-8 bytes, each once, page after page",
    async run(storage, bucket) {
      await uploadAll(storage, bucket, [...ORDERED].reverse());
      for (const limit of [1, 2, 7, ORDERED.length, 1_000]) {
        assert.deepEqual((await pages(storage, bucket, { limit })).keys, ORDERED);
      }
      const below = ORDERED.filter((key) => key.startsWith("a/"));
      assert.deepEqual((await pages(storage, bucket, { prefix: "a/", limit: 2 })).keys, below);
      const partial = ORDERED.filter((key) => key.startsWith("b/c"));
      assert.deepEqual((await pages(storage, bucket, { prefix: "b/c" })).keys, partial);
      assert.deepEqual((await pages(storage, bucket, { prefix: "a/b" })).keys, ["a/b", "a/b/c"]);
      assert.deepEqual((await pages(storage, bucket, { prefix: "none" })).keys, []);
      const long = { prefix: "x".repeat(80), limit: 2 };
      assert.deepEqual((await pages(storage, bucket, long)).keys, ORDERED.slice(14, 19));
    },
  },
  {
    sentence: "a listing tells key, size, etag and time of an object",
    async run(storage, bucket) {
      await storage.upload(bucket, "key", "12345", { metadata: { a: "1" } });
      const { key, size, etag, lastModified } = await storage.getMetadata(bucket, "key");
      const page = await storage.listObjects(bucket);
      assert.deepEqual(page.prefixes, []);
      assert.equal(page.nextCursor, undefined);
      assert.equal(page.items.length, 1);
      const item = page.items[0];
      assert.deepEqual([item?.key, item?.size, item?.etag], [key, size, etag]);
      assert.ok(Math.abs((item?.lastModified.getTime() ?? 0) - lastModified.getTime()) < 1_000);
    },
  },
  {
    sentence:
      "an object that exists all through a listing is in it; one that comes or goes meanwhile may be",
    async run(storage, bucket) {
      const stable = ["a/1", "a/3", "b/1", "c/d/1", "d"];
      await uploadAll(storage, bucket, [...stable, "a/2", "b/2", "c/d/2"]);
      const seen: string[] = [];
      for await (const keys of pagesOf(storage, bucket, { limit: 2 })) {
        seen.push(...keys);
        await storage.deleteBatch(bucket, ["a/2", "b/2", "c/d/2"]);
        await uploadAll(storage, bucket, ["a/0", "b/0", "c/0", "z"]);
      }
      assert.deepEqual(seen.filter((key) => stable.includes(key)), stable);
      assert.equal(new Set(seen).size, seen.length);
    },
  },
  {
    sentence: "a delimiter folds what lies deeper into common prefixes",
    async run(storage, bucket) {
      await uploadAll(storage, bucket, ORDERED);
      for (const limit of [1, 3, 1_000]) {
        const top = await pages(storage, bucket, { delimiter: "/", limit });
        assert.deepEqual(top.keys, ORDERED.filter((key) => !key.includes("/")));
        const x = "x".repeat(80);
        assert.deepEqual(top.prefixes, ["a/", "aa/", "b/", `${x}!/`, `${x}/`]);
        const deeper = await pages(storage, bucket, { delimiter: "/", prefix: "b/", limit });
        assert.deepEqual(deeper, { keys: ["b/d"], prefixes: ["b/c/"] });
        const partial = await pages(storage, bucket, { delimiter: "/", prefix: "a", limit });
        assert.deepEqual(partial.prefixes, ["a/", "aa/"]);
      }
      await storage.deleteBatch(bucket, ["b/c/d/e", "b/c/f"]);
      const left = await pages(storage, bucket, { delimiter: "/", prefix: "b/" });
      assert.deepEqual(left, { keys: ["b/d"], prefixes: [] });
    },
  },
  {
    sentence: "iterating goes through all pages",
    async run(storage, bucket) {
      const keys = Array.from({ length: 1_001 }, (_, i) => `a/${String(i).padStart(4, "0")}`);
      for (let i = 0; i < keys.length; i += 100) {
        await uploadAll(storage, bucket, keys.slice(i, i + 100));
      }
      await storage.upload(bucket, "b", "x");
      const seen: string[] = [];
      for await (const { key } of storage.iterateObjects(bucket, { prefix: "a/" })) seen.push(key);
      assert.deepEqual(seen, keys);
    },
  },
  {
    sentence: "iterating with a delimiter gives the objects directly below the prefix",
    async run(storage, bucket) {
      await uploadAll(storage, bucket, ["a", "a/b", "a/c/d", "a/e"]);
      const seen: string[] = [];
      const options = { prefix: "a/", delimiter: "/" } as const;
      for await (const { key } of storage.iterateObjects(bucket, options)) seen.push(key);
      assert.deepEqual(seen, ["a/b", "a/e"]);
    },
  },
];

async function uploadAll(
  storage: StorageProvider,
  bucket: string,
  keys: readonly string[],
): Promise<void> {
  await Promise.all(keys.map((key) => storage.upload(bucket, key, "x")));
}

async function* pagesOf(
  storage: StorageProvider,
  bucket: string,
  options: ListOptions,
): AsyncGenerator<readonly string[]> {
  let cursor: string | undefined;
  do {
    const page = await storage.listObjects(bucket, { ...options, ...(cursor && { cursor }) });
    assert.ok(page.items.length + page.prefixes.length <= (options.limit ?? 1_000));
    yield [...page.items.map(({ key }) => key), ...page.prefixes];
    cursor = page.nextCursor;
  } while (cursor !== undefined);
}

async function pages(
  storage: StorageProvider,
  bucket: string,
  options: ListOptions,
): Promise<{ keys: string[]; prefixes: string[] }> {
  const names: string[] = [];
  for await (const page of pagesOf(storage, bucket, options)) names.push(...page);
  return {
    keys: names.filter((name) => !name.endsWith("/")),
    prefixes: names.filter((name) => name.endsWith("/")),
  };
}
