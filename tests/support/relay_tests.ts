import type { DatabasePool } from "../../database/database_pool.ts";
import { OutboxRelay } from "../../database/outbox/relay.ts";
import type { OutboxRelayOptions } from "../../database/outbox/relay_options.ts";
import type { DatabaseHarness } from "../conformance/database_harness.ts";
import type { TestFn } from "../conformance/test_fn.ts";
import { onPglite, onPostgres } from "./databases.ts";
import { lazily } from "./lazily.ts";
import { Broker, fillOutbox } from "./outbox.ts";

/** For relays in tests: nothing waits for long. */
export const FAST: OutboxRelayOptions = { pollMs: 20, backoff: { baseMs: 1, maxMs: 5 } };

/** Three events of one aggregate and two of another. */
export const ABAB: readonly string[] = ["a", "b", "a", "b", "a"];

/** What a test of a relay works with. */
export interface RelayParts {
  readonly pool: DatabasePool;
  readonly broker: Broker;
  /** Not started. */
  readonly relay: OutboxRelay;
}

/** Registers a test of a relay over an outbox with events of the named aggregates, and nothing else. */
export type RelayTest = (
  name: string,
  fn: (parts: RelayParts) => Promise<void>,
  options: OutboxRelayOptions & { readonly events: readonly string[] },
) => void;

/** Runs tests on PGlite and on a server, one database for all of them. */
export async function runRelayTests(register: (test: RelayTest) => void): Promise<void> {
  const suite = (test: TestFn, { name, open }: DatabaseHarness): void => {
    const opened = lazily(open);
    register((what, fn, { events, ...options }) => {
      test(`${name}: ${what}`, async () => {
        const pool = await opened();
        await fillOutbox(pool, events);
        const broker = new Broker();
        const relay = new OutboxRelay(pool, broker.publish, { ...FAST, ...options });
        try {
          await fn({ pool, broker, relay });
        } finally {
          await relay.close();
        }
      });
    });
    test(`${name}: the pool closes`, async () => await (await opened()).close());
  };
  onPglite(suite);
  await onPostgres(suite);
}
