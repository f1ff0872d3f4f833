// Overloads a cache in memory: `cache_room_process.ts <max bytes> <times>`.
import process from "node:process";
import { MemoryCacheProvider } from "../cache/adapters/memory.ts";
import { valueOf } from "./cache_fixture.ts";
import { say } from "./own_process.ts";

/** What is in the cache afterwards. */
export interface Room {
  readonly entries: number;
  /** By the figure of the cache. */
  readonly bytes: number;
  /** What the heap grew by, if the runtime can tell. */
  readonly heapBytes?: number;
}

/** What the JSON of a value takes. */
const VALUE_BYTES = 1_000;

interface Collectors {
  readonly gc?: () => void;
  readonly Bun?: { readonly gc: (force: boolean) => void };
}

async function heapBytes(): Promise<number | undefined> {
  const { gc, Bun } = globalThis as Collectors;
  const collect = Bun ? () => Bun.gc(true) : gc;
  if (!collect) return undefined;
  for (let i = 0; i < 3; i++) {
    collect();
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return process.memoryUsage().heapUsed;
}

async function overload([maxBytes, times]: readonly string[]): Promise<Room> {
  const before = await heapBytes();
  await using cache = new MemoryCacheProvider({ maxBytes: Number(maxBytes) });
  const count = Number(maxBytes) * Number(times) / VALUE_BYTES;
  for (let index = 0; index < count; index++) {
    await cache.set(`benchmark:${index}`, valueOf(index));
  }
  const after = await heapBytes();
  const { entries, bytes } = await cache.health();
  return {
    entries: Number(entries),
    bytes: Number(bytes),
    ...(before !== undefined && after !== undefined && { heapBytes: after - before }),
  };
}

say(await overload(process.argv.slice(2)));
