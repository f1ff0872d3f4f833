// `deno task bench [name …] [--rounds N]`: all benchmarks, or the named ones.
import process from "node:process";
import { benchBulkInsert } from "./bulk_insert.ts";
import { benchLeaderboard } from "./leaderboard.ts";
import { benchMemory } from "./memory.ts";
import { benchPointRead } from "./point_read.ts";

const BENCHMARKS: Readonly<Record<string, (rounds: number) => Promise<void>>> = {
  "point-read": benchPointRead,
  "bulk-insert": benchBulkInsert,
  "memory": benchMemory,
  "leaderboard": benchLeaderboard,
};

const { names, rounds } = parse(process.argv.slice(2));
for (const name of names) {
  const benchmark = BENCHMARKS[name];
  if (!benchmark) throw new Error(`No benchmark ${name}; there are ${Object.keys(BENCHMARKS)}`);
  await benchmark(rounds);
}

function parse(args: readonly string[]): { names: readonly string[]; rounds: number } {
  const at = args.indexOf("--rounds");
  const rounds = at < 0 ? 21 : Number(args[at + 1]);
  const names = args.filter((_, index) => at < 0 || (index !== at && index !== at + 1));
  return { names: names.length > 0 ? names : Object.keys(BENCHMARKS), rounds };
}
