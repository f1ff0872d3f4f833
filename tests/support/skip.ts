import { test } from "node:test";

/**
 * Registers a test that is skipped. Only Node's runner shows the reason of a skip, so it is also
 * part of the name.
 */
export function skipTest(name: string, reason: string): void {
  test(`${name} [${reason}]`, { skip: reason }, () => {});
}
