import assert from "node:assert/strict";
import type { Page, PageRequest } from "../../../core/page.ts";

/** Reads one page of a list. */
export type ReadPage<T> = (request: PageRequest) => Promise<Page<T>>;

/** Reads a list to its end, page by page; calls `between` after each page. */
export async function readAll<T>(
  read: ReadPage<T>,
  limit: number,
  between: () => Promise<unknown> = () => Promise.resolve(),
): Promise<T[]> {
  const items: T[] = [];
  let cursor: string | undefined;
  do {
    const page = await read(cursor === undefined ? { limit } : { limit, cursor });
    assert.ok(page.items.length <= limit);
    items.push(...page.items);
    cursor = page.nextCursor;
    await between();
  } while (cursor !== undefined);
  return items;
}

/** Asserts that the list takes only whole cursors, and only its own; it needs two items. */
export async function assertGuardsCursors<T>(
  read: ReadPage<T>,
  others: readonly ReadPage<unknown>[],
): Promise<void> {
  const { nextCursor } = await read({ limit: 1 });
  assert.ok(nextCursor);
  const refusal = { code: "invalid_input", field: "cursor" };
  for (const other of others) await assert.rejects(other({ cursor: nextCursor }), refusal);
  for (let i = 0; i < nextCursor.length; i++) {
    const changed = nextCursor[i] === "A" ? "B" : "A";
    const cursor = nextCursor.slice(0, i) + changed + nextCursor.slice(i + 1);
    await assert.rejects(read({ cursor }), refusal);
  }
  for (
    const cursor of ["", ".", "a.b", nextCursor + "A", nextCursor.slice(0, -1), `${nextCursor}.`]
  ) {
    await assert.rejects(read({ cursor }), refusal);
  }
  assert.equal((await read({ cursor: nextCursor })).items.length > 0, true);
}

/** Asserts the limits of a page. */
export async function assertChecksLimit<T>(read: ReadPage<T>): Promise<void> {
  for (const limit of [0, -1, 1.5, NaN, 1_001, "10" as unknown as number]) {
    await assert.rejects(read({ limit }), { code: "invalid_input", field: "limit" });
  }
}
