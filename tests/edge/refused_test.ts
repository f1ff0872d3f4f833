import assert from "node:assert/strict";
import { edgeTest, startWorker } from "../support/workerd.ts";

const REDIS = "connections to Redis in workerd: each ends there with the request that opened it; " +
  "for a cache use cache/redis-http, write events to the outbox and run its relay elsewhere";
const OUTBOX = "in workerd: each ends there with the request that opened it; " +
  "write events to the outbox and run its relay elsewhere";
const DIALECT = "give createPool a dialect that uses fetch";

/** What cannot run in `workerd`, and what it says after "Cannot use". */
const REFUSED: Readonly<Record<string, string>> = {
  "cache/redis": REDIS,
  "database/pg":
    `connections to PostgreSQL in workerd: each ends there with the request that opened it; ${DIALECT}`,
  "database/pglite":
    `embedded PostgreSQL in workerd: WebAssembly cannot be compiled there; ${DIALECT}`,
  "messaging/nats": `connections to NATS ${OUTBOX}`,
  "messaging/rabbitmq": `connections to RabbitMQ ${OUTBOX}`,
  "messaging/redis": REDIS,
  "messaging/redis-streams": REDIS,
  "storage/filesystem":
    "a file system in workerd: its files are in memory and soon gone; use storage/s3",
};

function importing(subpath: string): string {
  return `import * as all from "@benchmark-exchange/infrastructure/${subpath}";
    export default { fetch: () => Response.json(Object.keys(all)) };`;
}

for (const [subpath, reason] of Object.entries(REFUSED)) {
  edgeTest(`workerd: ${subpath} says at import that it cannot run, and what to do`, async () => {
    await assert.rejects(startWorker(importing(subpath), { node: "full" }), (error: Error) => {
      const expected = `ConfigurationError: Cannot use ${reason}\n`;
      assert.ok(error.message.includes(expected), error.message);
      return true;
    });
  });

  edgeTest(`workerd: ${subpath} is not loaded without Node either`, async () => {
    await assert.rejects(startWorker(importing(subpath), { node: "none" }), (error: Error) => {
      assert.match(error.message, /No such module "node:|ConfigurationError: Cannot use/);
      return true;
    });
  });
}

edgeTest("workerd: a FileSystemStorageProvider cannot be made", async () => {
  await using worker = await startWorker(
    `import { FileSystemStorageProvider } from "@benchmark-exchange/infrastructure/storage";
    function make() {
      try {
        return new FileSystemStorageProvider({ root: "/tmp" }).name;
      } catch (error) {
        return error.code;
      }
    }
    export default { fetch: () => Response.json(make()) };`,
    { node: "full" },
  );
  assert.equal(await worker.ask("/"), "configuration_invalid");
});
