import type { CacheCapabilities, CacheProvider } from "../../../cache/cache.ts";
import type { Observer } from "../../../core/observer.ts";
import assert from "node:assert/strict";

/** What {@linkcode CacheHarness.open} opens. */
export interface OpenOptions {
  /** Providers of the same space see the same store if they are `shared`; other spaces are empty. */
  readonly space: string;
  /** What the provider reports to. */
  readonly observer: Observer;
}

/** What the suite needs to know about an adapter. */
export interface CacheHarness {
  /** The name of the adapter, for the names of the tests. */
  readonly name: string;
  /** What the adapter must declare. */
  readonly capabilities: CacheCapabilities;
  /** Opens a provider without a default TTL; the suite closes it. */
  open(options: OpenOptions): Promise<CacheProvider>;
  /** Opens a provider on a bounded store without room for 100,000 bytes, if there is such a store. */
  openSmall?(options: OpenOptions): Promise<CacheProvider>;
  /** Lets time pass for providers and store. */
  passTime(ms: number): Promise<void>;
}

/** What each test gets. */
export interface CacheTestContext {
  /** A provider on an empty store. */
  readonly cache: CacheProvider;
  /** How the provider was opened. */
  readonly opened: OpenOptions;
  /** The reasons of `cache.value_dropped`, one for each value. */
  readonly dropped: string[];
  /** One for each `cache.refresh_failed`. */
  readonly failures: string[];
}

/** Registers a test that gets a {@linkcode CacheTestContext}. */
export type CacheTest = (
  name: string,
  fn: (context: CacheTestContext) => Promise<void>,
) => void;

/** An observer that collects the reasons of dropped values, and loads in the background that failed. */
export function dropObserver(dropped: string[], failures: string[] = []): Observer {
  return {
    log: () => {},
    duration: () => {},
    count: (name, value, attributes) => {
      if (name === "cache.refresh_failed") failures.push(String(attributes?.code));
      if (name !== "cache.value_dropped") return;
      for (let i = 0; i < value; i++) dropped.push(String(attributes?.reason));
    },
  };
}

/** Asserts that the call rejects with the code, and that bad input names the field. */
export async function rejects(call: Promise<unknown>, code: string, field?: string): Promise<void> {
  await assert.rejects(call, (error: { code?: unknown; field?: unknown }) => {
    assert.equal(error.code, code);
    if (field !== undefined) assert.equal(error.field, field);
    return true;
  });
}

/** A gate that a test opens: what waits for it goes on then. */
export interface Gate {
  /** Resolves when the gate opens. */
  readonly opened: Promise<void>;
  /** Opens the gate. */
  open(): void;
}

/** Creates a closed {@linkcode Gate}. */
export function gate(): Gate {
  let open: () => void = () => {};
  const opened = new Promise<void>((resolve) => open = resolve);
  return { opened, open };
}

/** Sees that the keys `exists`, `ttl`, `expire`, `delete`, `increment`, `setNx` and `load` are missing for these calls. */
export async function missesForEveryCall(cache: CacheProvider): Promise<void> {
  assert.equal(await cache.exists("exists"), false);
  assert.equal(await cache.ttl("ttl"), undefined);
  assert.equal(await cache.expire("expire", 60_000), false);
  assert.equal(await cache.delete("delete"), false);
  assert.equal(await cache.increment("increment", 5), 5);
  assert.equal(await cache.setNx("setNx", 2), true);
  assert.equal(await cache.getOrSet("load", () => 2), 2);
}
