import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { FileSystemStorageProvider } from "../../storage/adapters/filesystem.ts";
import { MemoryStorageProvider } from "../../storage/adapters/memory.ts";
import type { StorageProvider } from "../../storage/storage.ts";
import { after, test, whenPermitted } from "../support/permitted.ts";

const root = await whenPermitted(() => mkdtemp(join(tmpdir(), "storage-")), "skipped");
after(() => rm(root, { recursive: true }));

const key = fc.constantFrom(
  "a",
  "A",
  "a/b",
  "a/b/c",
  "a!",
  "b/é",
  "b/\ufffd",
  "b/😀",
  "x".repeat(90),
);
const step = fc.oneof(
  fc.record({ kind: fc.constant("upload"), key, to: key, text: fc.string({ maxLength: 9 }) }),
  fc.record({ kind: fc.constant("create"), key, to: key, text: fc.string({ maxLength: 9 }) }),
  fc.record({ kind: fc.constant("delete"), key, to: key, text: fc.constant("") }),
  fc.record({ kind: fc.constant("copy"), key, to: key, text: fc.constant("") }),
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

function applyToModel(model: Map<string, string>, { kind, key, to, text }: Step): string {
  const found = model.get(key);
  if (kind === "delete") model.delete(key);
  else if (kind === "upload" || (kind === "create" && found === undefined)) model.set(key, text);
  else if (kind === "create") return "already_exists";
  else if (found === undefined) return "not_found";
  else model.set(to, found);
  return "ok";
}

async function applyTo(storage: StorageProvider, bucket: string, step: Step): Promise<string> {
  const { kind, key, to, text } = step;
  try {
    if (kind === "delete") await storage.delete(bucket, key);
    else if (kind === "copy") await storage.copy(bucket, key, bucket, to);
    else await storage.upload(bucket, key, text, { createOnly: kind === "create" });
    return "ok";
  } catch (error) {
    return (error as { code: string }).code;
  }
}

async function contents(storage: StorageProvider, bucket: string): Promise<[string, string][]> {
  const found: [string, string][] = [];
  for await (const { key } of storage.iterateObjects(bucket)) {
    found.push([key, new TextDecoder().decode(await storage.download(bucket, key))]);
  }
  return found;
}

const providers = {
  memory: new MemoryStorageProvider(),
  filesystem: new FileSystemStorageProvider({ root }),
};

for (const [name, storage] of Object.entries(providers)) {
  test(`${name}: any sequence of calls has the effect that it has on a map`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 15 }), async (steps) => {
        const bucket = crypto.randomUUID();
        await storage.createBucket(bucket);
        const model = new Map<string, string>();
        for (const step of steps) {
          assert.equal(await applyTo(storage, bucket, step), applyToModel(model, step));
        }
        const bytes = ([a]: [string, string], [b]: [string, string]): number => {
          return Buffer.compare(Buffer.from(a), Buffer.from(b));
        };
        assert.deepEqual(await contents(storage, bucket), [...model].sort(bytes));
      }),
      { numRuns: 40 },
    );
  });
}
