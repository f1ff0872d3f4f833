// How much memory a bounded cache takes when far more is written than there is room for.
import process from "node:process";
import type { Room } from "./cache_room_process.ts";
import { OwnProcess } from "./own_process.ts";
import { printGoals } from "./print.ts";

const MAX_BYTES = 32 * 2 ** 20;
const OVERLOAD = 10;

/** Writes ten times as much as there is room for. */
export async function benchCacheRoom(): Promise<void> {
  await using script = new OwnProcess(
    "cache_room_process.ts",
    [String(MAX_BYTES), String(OVERLOAD)],
    { node: ["--expose-gc"], deno: ["--v8-flags=--expose-gc"] },
  );
  const { entries, bytes, heapBytes } = await script.next<Room>();
  const mb = (value: number): string => `${(value / 2 ** 20).toFixed(1)} MiB`;
  process.stdout.write(
    `\n${OVERLOAD} times as many values of 1 KB as there is room for, in ${mb(MAX_BYTES)}: ` +
      `${entries} are kept, ${mb(bytes)} by the cache's own figure\n`,
  );
  printGoals([{
    text: "bytes / maxBytes <= 1",
    value: bytes / MAX_BYTES,
    met: bytes <= MAX_BYTES,
  }]);
  const growth = heapBytes === undefined
    ? "not measured: this runtime collects no garbage on demand"
    : `${mb(heapBytes)}, ${(heapBytes / MAX_BYTES).toFixed(2)} x maxBytes`;
  process.stdout.write(`  growth of the heap: ${growth}\n`);
}
