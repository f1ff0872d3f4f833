// How many requests listing 10,000 objects takes.
import process from "node:process";
import { S3StorageProvider } from "../storage/adapters/s3.ts";
import { s3Config } from "../tests/support/s3_storage.ts";
import { printGoals } from "./print.ts";
import { openStorageFixture } from "./storage_fixture.ts";

const COUNT = 10_000;

/** Counts what is sent. */
export async function benchStorageListing(): Promise<void> {
  await using fixture = await openStorageFixture();
  let requests = 0;
  const counting: typeof fetch = (input, init) => {
    requests++;
    return fetch(input, init);
  };
  const storage = new S3StorageProvider({ ...s3Config(fixture.url), fetch: counting });
  const { bucket } = fixture;
  let next = 0;
  const upload = async (): Promise<void> => {
    while (next < COUNT) await storage.upload(bucket, `key/${next++}`, "x");
  };
  await Promise.all(Array.from({ length: 16 }, upload));
  requests = 0;
  let seen = 0;
  const start = performance.now();
  for await (const _ of storage.iterateObjects(bucket)) seen++;
  const ms = performance.now() - start;
  await storage.close();
  process.stdout.write(`\nListing ${seen} objects: ${requests} requests, ${ms.toFixed(0)} ms\n`);
  const met = seen === COUNT && requests === COUNT / 1_000;
  printGoals([{ text: "requests = objects / 1,000", value: requests, met }]);
}
