import type { LockOptions } from "../../../core/lock.ts";
import { isHeld, type LockTest, never, rejects } from "./harness.ts";
import assert from "node:assert/strict";

/** What is refused, by the same rules in every adapter. */
export function testInput(test: LockTest): void {
  for (const [what, name] of BAD_NAMES) {
    test(`a name ${what} is refused`, async ({ one }) => {
      await rejects(one.withLock(name as string, never), { code: "invalid_input", field: "name" });
    });
  }

  test("bad options and a missing function are refused by their name, and nothing happens", async ({ one, two }) => {
    for (const [field, values] of Object.entries(BAD_OPTIONS)) {
      for (const value of values) {
        const options = { [field]: value } as LockOptions;
        await rejects(one.withLock("n", never, options), { code: "invalid_input", field });
      }
    }
    for (const fn of [undefined, null, 5, {}] as never[]) {
      await rejects(one.withLock("n", fn), { code: "invalid_input", field: "fn" });
    }
    assert.equal(await isHeld(two, "n"), false);
  });

  test("bad input is told before a signal that has fired", async ({ one }) => {
    const options = { signal: AbortSignal.abort(), ttlMs: 1 };
    await rejects(one.withLock("n", never, options), { code: "invalid_input", field: "ttlMs" });
  });
}

const BAD_NAMES: readonly (readonly [what: string, name: unknown])[] = [
  ["that is empty", ""],
  ["with *", "job:*"],
  ["with ?", "job:?"],
  ["with [", "job:[a"],
  ["with ]", "job:a]"],
  ["with a backslash", "job:\\a"],
  ["with a space", "job: a"],
  ["with a line break", "job:\r\na"],
  ["with a no-break space", "job:\u00a0"],
  ["with NUL", "job:\0"],
  ["with a C1 control", "job:\u0085"],
  ["with a lone surrogate", "job:\ud800"],
  ["of 513 bytes", "k".repeat(513)],
  ["of 171 characters and 513 bytes", "世".repeat(171)],
  ["that is a number", 5],
  ["that is missing", undefined],
];

const BAD_OPTIONS: Readonly<Record<string, readonly unknown[]>> = {
  ttlMs: [99, 0, -1, 1_000.5, NaN, Infinity, 2 ** 31, "1000", null],
  waitMs: [-1, 0.5, NaN, Infinity, 2 ** 31, "0", null],
  signal: [null, 5, {}, { aborted: false }],
};
