import { Client, type ClientOptions, Pool } from "jsr:@db/postgres@0.19.5";
import { describe, it } from "jsr:@std/testing@1.0.20/bdd";
import type { DenoPostgresPool } from "../../database/drivers/deno_postgres.ts";
import type { TestFn } from "../conformance/test_fn.ts";
import { findService, type Service } from "../support/services.ts";

/** The server, or why there is none. */
export const service: Service = await findService("postgres");

/** A lazy pool for the database at `url`. */
export function clientPool(url: string, size = 10): Pool {
  return new Pool(clientOptions(url), size, true);
}

/** A client for each connection, of the database at `url`. */
export function newClients(url: string): DenoPostgresPool {
  return {
    async connect(): Promise<Client> {
      const client = new Client(clientOptions(url));
      await client.connect();
      return client;
    },
  };
}

/** Where connections can come from. */
export const SOURCES: Readonly<Record<string, (url: string) => DenoPostgresPool>> = {
  "a Pool": (url) => clientPool(url),
  "a Client for each connection": newClients,
};

/** Runs a suite; each test is skipped with the reason if there is no server. */
export function describeSuite(name: string, register: (test: TestFn) => void): void {
  const missing = "missing" in service ? service.missing : undefined;
  // Suites share pools between their tests.
  describe({ name, sanitizeOps: false, sanitizeResources: false }, () => {
    register(missing ? (title) => it.skip(`${title} (${missing})`, () => {}) : it);
  });
}

/** How to reach the database at `url`, with values as text. */
export function clientOptions(url: string): ClientOptions {
  const { hostname, port, username, password, pathname } = new URL(url);
  return {
    hostname,
    port,
    user: decodeURIComponent(username),
    password: decodeURIComponent(password),
    database: pathname.slice(1),
    tls: { enabled: false },
    controls: { decodeStrategy: "string" },
  };
}
