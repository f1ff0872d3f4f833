import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import fc from "fast-check";
import { objectNames } from "../../storage/adapters/filesystem/object_names.ts";
import { walk } from "../../storage/adapters/filesystem/walk.ts";
import { commonPrefix } from "../../storage/listing.ts";
import { keyToBytes } from "../../storage/object_key.ts";
import { after, test, whenPermitted } from "../support/permitted.ts";

const directory = await whenPermitted(() => mkdtemp(join(tmpdir(), "storage-")), "skipped");
after(() => rm(directory, { recursive: true }));

interface Request {
  readonly prefix: string;
  readonly after: string;
  readonly folded: boolean;
}

async function makeBucket(keys: readonly string[]): Promise<string> {
  const bucket = join(directory, crypto.randomUUID());
  await mkdir(bucket);
  for (const key of keys) {
    const path = join(bucket, ...objectNames(key));
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, "");
  }
  return bucket;
}

async function walkAll(bucket: string, request: Request): Promise<string[]> {
  const names: string[] = [];
  for await (const name of walk(bucket, request)) names.push(name);
  return names;
}

function model(keys: readonly string[], { prefix, after: from, folded }: Request): string[] {
  const names = keys.map(keyToBytes).filter((key) => key.startsWith(prefix));
  const shown = new Set(names.map((name) => folded && commonPrefix(name, prefix) || name));
  return [...shown].filter((name) => name > from).sort();
}

const unit = fc.constantFrom("a", "b", "!", "0", ".", "é", "x".repeat(79), "x".repeat(80));
const segment = fc.string({ unit, minLength: 1, maxLength: 3 }).filter((s) => !/^\.{1,2}$/.test(s));
const key = fc.array(segment, { minLength: 1, maxLength: 3 }).map((parts) => parts.join("/"));

test("walk() gives what a sorted list of all keys would give", async () => {
  const cuts = fc.tuple(fc.nat(), fc.nat(), fc.nat(), fc.nat());
  const keys = fc.uniqueArray(key, { minLength: 1, maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(keys, cuts, fc.boolean(), async (all, [i, j, k, l], folded) => {
      const pick = (index: number): string => keyToBytes(all[index % all.length] as string);
      const prefix = pick(i).slice(0, j % (pick(i).length + 1));
      const names = model(all, { prefix, after: "", folded });
      const bucket = await makeBucket(all);
      assert.deepEqual(await walkAll(bucket, { prefix, after: "", folded }), names);
      const from = l % 2 ? pick(k) : names[k % Math.max(1, names.length)] ?? "";
      const request = { prefix, after: from, folded };
      assert.deepEqual(await walkAll(bucket, request), model(all, request));
    }),
    { numRuns: 60 },
  );
});

test("walk() does not see foreign files, links and empty directories", async () => {
  const bucket = await makeBucket(["a", "b/c"]);
  const outside = await makeBucket(["secret"]);
  await writeFile(join(bucket, "foreign.txt"), "");
  await writeFile(join(bucket, "UPPER@"), "");
  await mkdir(join(bucket, "directory@"));
  await mkdir(join(bucket, "empty/deep"), { recursive: true });
  await symlink(outside, join(bucket, "link"));
  await symlink(join(bucket, "a@"), join(bucket, "link@"));
  const request = { prefix: "", after: "" };
  assert.deepEqual(await walkAll(bucket, { ...request, folded: false }), ["a", "b/c"]);
  assert.deepEqual(await walkAll(bucket, { ...request, folded: true }), ["a", "b/"]);
});
