import assert from "node:assert/strict";
import type { Lock, LockOptions, LockProvider } from "../../../core/lock.ts";

/** What an adapter can do besides what every adapter can. */
export interface LockCapabilities {
  /** Locks of different names can be held at the same time. */
  readonly manyAtOnce: boolean;
}

/** A provider that the harness has opened. */
export interface OpenLocks {
  /** What is tested. */
  readonly provider: LockProvider;
  /** Closes it with all that was opened for it. */
  close(): Promise<void>;
}

/** What the suite needs to know about an adapter. */
export interface LockHarness {
  /** The name of the adapter, for the names of the tests. */
  readonly name: string;
  /** What it can do. */
  readonly capabilities: LockCapabilities;
  /** A short time to live that the way to the store and a busy machine leave enough of, a multiple of 10. */
  readonly ttlMs: number;
  /** Opens a provider. Those of the same space share a store; nobody holds a lock of another space. */
  open(space: string): Promise<OpenLocks>;
  /** Lets time pass for providers and store, while the event loop runs. */
  passTime(ms: number): Promise<void>;
  /** Blocks the event loop for so long. */
  block(ms: number): void;
  /** Takes the lock away behind its holder's back, so that nobody has it, where the store can do that. */
  steal?(space: string, name: string): Promise<void>;
}

/** Time for a harness whose providers and store measure it themselves. */
export const REAL_TIME: Pick<LockHarness, "passTime" | "block"> = {
  passTime: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  block: (ms) => {
    const endMs = performance.now() + ms;
    while (performance.now() < endMs);
  },
};

/** What each test gets. */
export interface LockTestContext {
  /** A provider. */
  readonly one: LockProvider;
  /** Another one on the same store. */
  readonly two: LockProvider;
  /** Where they are. */
  readonly space: string;
  /** The short time to live of the harness. */
  readonly ttlMs: number;
}

/** Registers a test that gets a {@linkcode LockTestContext}. */
export type LockTest = (
  name: string,
  fn: (context: LockTestContext) => Promise<void>,
) => void;

/** A wait for what comes soon: longer than a busy machine takes, so that it never decides a test. */
export const SOON_MS = 30_000;

/** Asserts that the call rejects with an error of this library that has these members. */
export async function rejects(
  call: Promise<unknown>,
  expected: { readonly code: string; readonly outcome?: string; readonly field?: string },
): Promise<void> {
  await assert.rejects(call, (error: Error & Record<string, unknown>) => {
    const found = Object.fromEntries(Object.keys(expected).map((key) => [key, error[key]]));
    assert.deepEqual(found, { ...expected }, error.stack);
    assert.match(error.message, /^Cannot .*[^.]$/);
    return true;
  });
}

/** A lock that a test holds until it says so. */
export interface Hold {
  /** The lock. */
  readonly lock: Lock;
  /** Lets its function resolve with `done`, or reject; returns what became of the call. */
  finish(failure?: unknown): Promise<unknown>;
}

/** Takes a lock and holds it. */
export function hold(provider: LockProvider, name: string, options?: LockOptions): Promise<Hold> {
  return new Promise((resolve, reject) => {
    const call = provider.withLock(name, (lock) =>
      new Promise((settle, fail) => {
        const finish = (...failure: unknown[]): Promise<unknown> => {
          if (failure.length > 0) fail(failure[0]);
          else settle("done");
          return call;
        };
        resolve({ lock, finish });
      }), options);
    // After the hold was handed out, `finish` tells what became of the call.
    call.catch(reject);
  });
}

/** Whether somebody has the lock now. */
export async function isHeld(provider: LockProvider, name: string): Promise<boolean> {
  return await provider.withLock(name, () => false, { waitMs: 0 }).catch((error) => {
    assert.equal(error.code, "timeout", error.stack);
    return true;
  });
}

/** Resolves when the signal aborts, at once if it has. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

/** A turn of the event loop. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

/** What a function that must not run is. */
export function never(): never {
  return assert.fail("the function must not run");
}
