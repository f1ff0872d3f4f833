import assert from "node:assert/strict";
import { test } from "node:test";
import { loadedPackages } from "../support/loaded_packages.ts";
import { onDenoOnly } from "../support/on_deno.ts";
import { nodeToolchain } from "../support/toolchain.ts";

/** Packages that talk to nothing; who uses a part of the library may have them loaded. */
const PURE = ["kysely", "pg-types", "uuid", "zod"];

/** The clients that an entry point is for. All others load none. */
const CLIENTS: Readonly<Record<string, readonly string[]>> = {
  "/cache/redis": ["@redis/client"],
  "/database/pg": ["pg"],
  "/database/pglite": ["@electric-sql/pglite"],
  "/messaging/nats": ["@nats-io/jetstream", "@nats-io/transport-node"],
  "/messaging/rabbitmq": ["amqplib"],
  "/messaging/redis": ["@redis/client"],
  "/messaging/redis-streams": ["@redis/client"],
  "/storage/s3": ["@smithy/signature-v4"],
};

await onDenoOnly("the package for npm on Node 24", async () => {
  // Loaded late, because what it loads reads the environment.
  const { entryPoints, testPackage } = await import("../support/package_tests.ts");
  const { readJson } = await import("../support/source_file.ts");
  testPackage(await nodeToolchain(24), ["memory"], (project) => {
    test("importing an entry point loads the clients that it is for, and no others", async () => {
      const { name, dependencies } = readJson("package.json") as Record<string, object>;
      const clients = Object.keys(dependencies!).filter((name) => !PURE.includes(name));
      for (const entry of entryPoints()) {
        const loaded = await loadedPackages(await project(), entry);
        const expected = CLIENTS[entry.slice(String(name).length)] ?? [];
        assert.deepEqual(loaded.filter((name) => clients.includes(name)).sort(), expected, entry);
      }
    });
  });
});
