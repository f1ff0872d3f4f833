import { keyToBytes } from "../../object_key.ts";
import type { ObjectSummary } from "../../storage.ts";

/** The keys of two listings, each once, in their order. */
export async function* mergedKeys(
  one: AsyncIterator<ObjectSummary>,
  other: AsyncIterator<ObjectSummary>,
): AsyncGenerator<string, void> {
  let [left, right] = [await one.next(), await other.next()];
  while (!left.done || !right.done) {
    const order = left.done ? 1 : right.done ? -1 : compare(left.value.key, right.value.key);
    yield order <= 0 ? left.value!.key : right.value!.key;
    if (order <= 0) left = await one.next();
    if (order >= 0) right = await other.next();
  }
}

/** By the bytes of their UTF-8, as listings are in order. */
function compare(a: string, b: string): number {
  const [first, second] = [keyToBytes(a), keyToBytes(b)];
  return first < second ? -1 : first > second ? 1 : 0;
}
