import assert from "node:assert/strict";
import { IntegrityError } from "../../../core/errors.ts";
import type { StorageProvider } from "../../../storage/storage.ts";
import { downloadText, type StorageCase } from "./case.ts";

type Damage = (key: string) => Promise<void>;

interface DamageCase extends Pick<StorageCase, "sentence"> {
  run(storage: StorageProvider, bucket: string, damage: Damage): Promise<void>;
}

/** The section "Damage" of the specification, for adapters that can be damaged. */
export function damageCases(
  damage: (bucket: string, key: string) => Promise<void>,
): readonly StorageCase[] {
  return CASES.map(({ sentence, run }) => ({
    sentence,
    run: (storage, bucket) => run(storage, bucket, (key) => damage(bucket, key)),
  }));
}

const DAMAGED = 'b/"d"/é';
const KEYS = ["a", DAMAGED, "c"];

const CASES: readonly DamageCase[] = [
  {
    sentence:
      "a listing that finds an object damaged rejects with an IntegrityError and its key, for to leave it out would say that it is gone",
    async run(storage, bucket, damage) {
      for (const key of KEYS) await storage.upload(bucket, key, "kept");
      await damage(DAMAGED);
      await isCorrupted(storage.listObjects(bucket));
      await isCorrupted(storage.listObjects(bucket, { prefix: "b/" }));
      await isCorrupted(keysOf(storage, bucket));
      const { items, nextCursor = "" } = await storage.listObjects(bucket, { limit: 1 });
      assert.deepEqual(items.map(({ key }) => key), ["a"]);
      await isCorrupted(storage.listObjects(bucket, { limit: 1, cursor: nextCursor }));
    },
  },
  {
    sentence:
      "uploading anew and deleting repair what is damaged; everything else can be read all the while",
    async run(storage, bucket, damage) {
      for (const key of KEYS) await storage.upload(bucket, key, "kept");
      await damage(DAMAGED);
      for (const key of ["a", "c"]) {
        assert.equal(await downloadText(storage, bucket, key), "kept");
      }
      await storage.upload(bucket, DAMAGED, "anew");
      assert.deepEqual(await keysOf(storage, bucket), KEYS);
      await damage(DAMAGED);
      await storage.delete(bucket, DAMAGED);
      assert.deepEqual(await keysOf(storage, bucket), ["a", "c"]);
    },
  },
  {
    sentence:
      "reading an object that is found damaged rejects with an IntegrityError and its key, exists too",
    async run(storage, bucket, damage) {
      await storage.upload(bucket, DAMAGED, "kept");
      await damage(DAMAGED);
      await isCorrupted(storage.download(bucket, DAMAGED));
      await isCorrupted(storage.downloadStream(bucket, DAMAGED));
      await isCorrupted(storage.getMetadata(bucket, DAMAGED));
      await isCorrupted(storage.exists(bucket, DAMAGED));
      await isCorrupted(storage.copy(bucket, DAMAGED, bucket, "copy"));
      assert.equal(await storage.exists(bucket, "copy"), false);
    },
  },
];

async function keysOf(storage: StorageProvider, bucket: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of storage.iterateObjects(bucket)) keys.push(key);
  return keys;
}

async function isCorrupted(call: Promise<unknown>): Promise<void> {
  await assert.rejects(call, (error) => {
    assert.ok(error instanceof IntegrityError, `not an IntegrityError: ${error}`);
    assert.deepEqual([error.code, error.key], ["corrupted", DAMAGED]);
    assert.ok(error.message.includes(JSON.stringify(DAMAGED)), error.message);
    return true;
  });
}
