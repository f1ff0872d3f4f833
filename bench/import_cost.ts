// What importing each entry point costs: time in fresh processes, and size when it is bundled.
import process from "node:process";
import { pathToFileURL } from "node:url";
import { readJson } from "../tests/support/source_file.ts";
import { bundleSize } from "./bundle_size.ts";
import { median } from "./compare.ts";
import { compile } from "./compiled.ts";
import { OwnProcess } from "./own_process.ts";
import { printGoals } from "./print.ts";

const BASELINE = "zod and kysely";
const MOST = 1.5;
/** There are many entry points; this many rounds tell enough. */
const MOST_ROUNDS = 7;

/** Imports in turns. */
export async function benchImportCost(rounds: number): Promise<void> {
  const entries = Object.entries(readJson("deno.json").exports as Record<string, string>)
    // It runs when it is imported.
    .filter(([name]) => name !== "./cli");
  const root = await libraryRoot();
  const imports: [name: string, modules: readonly string[]][] = [
    [BASELINE, ["zod", "kysely"]],
    ...entries.map(([name, path]): [string, string[]] => [name, [importable(root, path)]]),
  ];
  const times = await measure(imports, Math.min(rounds, MOST_ROUNDS));
  const ratios = new Map(imports.map(([name]) => [name, ratio(times, name)]));
  process.stdout.write(`\nImport in a fresh process and size of a bundle, minified / gzipped\n`);
  for (const [name] of imports) {
    const path = entries.find(([entry]) => entry === name)?.[1];
    const size = path ? shownSize(await bundleSize(path)) : "";
    const ms = median(times.get(name)!).toFixed(1).padStart(7);
    const compared = `x${ratios.get(name)!.toFixed(2)}`;
    process.stdout.write(`  ${name.padEnd(28)} ${ms} ms  ${compared.padEnd(7)} ${size}\n`);
  }
  const value = ratios.get(".")!;
  printGoals([{ text: `mod.ts <= ${MOST} x ${BASELINE}`, value, met: value <= MOST }]);
}

async function measure(
  imports: readonly (readonly [name: string, modules: readonly string[]])[],
  rounds: number,
): Promise<Map<string, number[]>> {
  const times = new Map<string, number[]>(imports.map(([name]) => [name, []]));
  // Before the first round, files were not in the system's cache, nor compiled ones in Deno's.
  for (let round = -1; round < rounds; round++) {
    for (const [name, modules] of imports) {
      await using script = new OwnProcess("cache_import_process.ts", modules);
      const ms = (await script.next<number[]>()).reduce((sum, one) => sum + one);
      if (round >= 0) times.get(name)!.push(ms);
    }
  }
  return times;
}

/** The median over the rounds of the time compared with the baseline. */
function ratio(times: ReadonlyMap<string, readonly number[]>, name: string): number {
  const baseline = times.get(BASELINE)!;
  return median(times.get(name)!.map((ms, round) => ms / baseline[round]!));
}

/** For Node as JavaScript, because the time to remove types is not part of what a package takes. */
async function libraryRoot(): Promise<string> {
  const isNode = !("Deno" in globalThis) && !("Bun" in globalThis);
  return isNode ? await compile() : "";
}

function importable(root: string, path: string): string {
  return root ? pathToFileURL(`${root}${path.replace(/\.ts$/, ".js")}`).href : `../${path}`;
}

function shownSize({ bytes, gzipped }: { bytes: number; gzipped: number }): string {
  return `${shown(bytes)} / ${shown(gzipped)}`;
}

function shown(bytes: number): string {
  return `${(bytes / 1024).toFixed(0)} KiB`.padStart(9);
}
