// How long it takes to import the adapter, in fresh processes, compared with the client that it wraps.
import process from "node:process";
import { median } from "./compare.ts";
import { OwnProcess } from "./own_process.ts";
import { printGoals } from "./print.ts";

const ADAPTER = "../cache/adapters/redis.ts";
const MOST_MS = 5;

/** What a process imports, one after the other. */
const IMPORTS = {
  redis: ["redis"],
  adapter: [ADAPTER],
  "adapter after redis": ["redis", ADAPTER],
  "mod.ts": ["../mod.ts"],
} as const;

type Name = keyof typeof IMPORTS;

/** Imports in turns. */
export async function benchCacheImport(rounds: number): Promise<void> {
  const names = Object.keys(IMPORTS) as Name[];
  const times: Record<Name, number[]> = {
    redis: [],
    adapter: [],
    "adapter after redis": [],
    "mod.ts": [],
  };
  for (let round = -1; round < rounds; round++) {
    for (const name of names) {
      const ms = await importMs(name);
      if (round >= 0) times[name].push(ms); // Before that, files were not in the system's cache.
    }
  }
  process.stdout.write(`\nImport in a fresh process, median of ${rounds}\n`);
  for (const name of names) process.stdout.write(`  ${name.padEnd(20)} ${shown(times[name])}\n`);
  const difference = times.adapter.map((ms, round) => ms - (times.redis[round] ?? NaN));
  process.stdout.write(`  ${"adapter - redis".padEnd(20)} ${shown(difference)}\n`);
  // The difference of two processes is the same figure with the noise of both.
  const value = median(times["adapter after redis"]);
  printGoals([{ text: `adapter after redis <= ${MOST_MS} ms`, value, met: value <= MOST_MS }]);
}

/** How long the last of the imports took. */
async function importMs(name: Name): Promise<number> {
  await using script = new OwnProcess("cache_import_process.ts", IMPORTS[name]);
  return (await script.next<number[]>()).at(-1) ?? NaN;
}

function shown(values: readonly number[]): string {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const ms = median(values).toFixed(1).padStart(7);
  return `${ms} ms (${low.toFixed(1)}..${high.toFixed(1)})`;
}
