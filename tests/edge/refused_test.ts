import assert from "node:assert/strict";
import { edgeTest, startWorker } from "../support/workerd.ts";

const OUTBOX = "write events to the outbox, and run its relay elsewhere";
const DIALECT = "give createPool a dialect that uses fetch";

/** What cannot run in `workerd`, and what to do instead. */
const REFUSED: Readonly<Record<string, string>> = {
  "cache/redis": "use cache/redis-http",
  "database/pg": DIALECT,
  "database/pglite": DIALECT,
  "messaging/nats": OUTBOX,
  "messaging/rabbitmq": OUTBOX,
  "messaging/redis": OUTBOX,
  "messaging/redis-streams": OUTBOX,
  "storage/filesystem": "use storage/s3",
};

function importing(subpath: string): string {
  return `import * as all from "@benchmark-exchange/infrastructure/${subpath}";
    export default { fetch: () => Response.json(Object.keys(all)) };`;
}

for (const [subpath, instead] of Object.entries(REFUSED)) {
  edgeTest(`workerd: ${subpath} says at import that it cannot run, and what to do`, async () => {
    await assert.rejects(startWorker(importing(subpath), { node: "full" }), (error: Error) => {
      const cannot = `Cannot use @benchmark-exchange/infrastructure/${subpath} in workerd: `;
      assert.ok(error.message.includes(`ConfigurationError: ${cannot}`), error.message);
      assert.ok(error.message.includes(`; ${instead}\n`), error.message);
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
