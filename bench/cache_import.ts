// How long it takes to import the adapter, in fresh processes, compared with the client.
import process from "node:process";
import { pathToFileURL } from "node:url";
import { median } from "./compare.ts";
import { compile } from "./compiled.ts";
import { OwnProcess } from "./own_process.ts";
import { printGoals } from "./print.ts";

const CLIENT = "redis";
const CORE = "@redis/client";
const ADAPTER = "adapter";
const ADAPTER_AFTER = `${ADAPTER} after ${CORE}`;
const MOST_MS = 5;

/** Imports in turns. */
export async function benchCacheImport(rounds: number): Promise<void> {
  const adapter = await adapterModule();
  const imports: Readonly<Record<string, readonly string[]>> = {
    [CLIENT]: [CLIENT],
    [ADAPTER]: [adapter],
    [CORE]: [CORE],
    [ADAPTER_AFTER]: [CORE, adapter],
  };
  const times: Record<string, number[]> = {};
  for (let round = -1; round < rounds; round++) {
    for (const [name, modules] of Object.entries(imports)) {
      const ms = await importMs(modules);
      // Before the first round, files were not in the system's cache, nor compiled ones in Deno's.
      if (round >= 0) (times[name] ??= []).push(ms);
    }
  }
  process.stdout.write(`\nImport in a fresh process, median of ${rounds}\n`);
  for (const [name, ms] of Object.entries(times)) {
    process.stdout.write(`  ${name.padEnd(28)} ${shown(ms)}\n`);
  }
  const difference = (times[ADAPTER] ?? []).map((ms, round) =>
    ms - (times[CLIENT]?.[round] ?? NaN)
  );
  process.stdout.write(`  ${`${ADAPTER} - ${CLIENT}`.padEnd(28)} ${shown(difference)}\n`);
  printGoals([
    atMost(`${ADAPTER} - ${CLIENT}`, median(difference)),
    atMost(ADAPTER_AFTER, median(times[ADAPTER_AFTER] ?? [])),
  ]);
}

/** The adapter; for Node as JavaScript, because the time to remove types is not part of what a package takes. */
async function adapterModule(): Promise<string> {
  const file = "cache/adapters/redis";
  const isNode = !("Deno" in globalThis) && !("Bun" in globalThis);
  if (!isNode) return `../${file}.ts`;
  return pathToFileURL(`${await compile()}${file}.js`).href;
}

/** How long the last of the imports took. */
async function importMs(modules: readonly string[]): Promise<number> {
  await using script = new OwnProcess("cache_import_process.ts", modules);
  return (await script.next<number[]>()).at(-1) ?? NaN;
}

function atMost(name: string, value: number) {
  return { text: `${name} <= ${MOST_MS} ms`, value, met: value <= MOST_MS };
}

function shown(values: readonly number[]): string {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const ms = median(values).toFixed(1).padStart(7);
  return `${ms} ms (${low.toFixed(1)}..${high.toFixed(1)})`;
}
