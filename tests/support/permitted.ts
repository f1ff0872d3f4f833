import {
  after as nodeAfter,
  before as nodeBefore,
  describe as nodeDescribe,
  test as nodeTest,
} from "node:test";
import process from "node:process";
import { skipTest } from "./skip.ts";

/** Why a test is skipped that needs more than `deno test --allow-net` gives. */
export const NEEDS_ALL = "needs deno test -A";

/** Whether tests may read, write, start processes and so on, as they always may on Node and Bun. */
export const IS_PERMITTED: boolean = !("Deno" in globalThis) ||
  (["env", "read", "write", "run", "sys", "ffi", "net"] as const)
    .every((name) => isGranted({ name }));

/** `test` of `node:test`, for files that need more than the network: without it, their tests are skipped. */
export const test: typeof nodeTest = IS_PERMITTED ? nodeTest : skipPermitted as typeof nodeTest;

/** `describe` of `node:test` in the same way; what is in it is then one skip. */
export const describe: typeof nodeDescribe = IS_PERMITTED
  ? nodeDescribe
  : skipPermitted as typeof nodeDescribe;

/** `after` of `node:test`; where tests are skipped there is nothing to clean up. */
export const after: typeof nodeAfter = IS_PERMITTED ? nodeAfter : () => {};

/** `before` of `node:test` in the same way. */
export const before: typeof nodeBefore = IS_PERMITTED ? nodeBefore : () => {};

/**
 * What all tests of a file work with. Where they are skipped, it is not made, and there is something else in its
 * place, which nobody uses.
 */
export async function whenPermitted<T>(make: () => Promise<T>, otherwise?: T): Promise<T> {
  return IS_PERMITTED ? await make() : otherwise as T;
}

/** Reads a variable of the environment; one that must not be read is as one that is not set. */
export function readVariable(name: string): string | undefined {
  const mayRead = !("Deno" in globalThis) || isGranted({ name: "env", variable: name });
  return mayRead ? process.env[name] : undefined;
}

function skipPermitted(name: string): void {
  skipTest(name, NEEDS_ALL);
}

function isGranted(descriptor: Deno.PermissionDescriptor): boolean {
  return Deno.permissions.querySync(descriptor).state === "granted";
}
