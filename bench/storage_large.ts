// Large objects on S3: speed and memory, the library against the SDK with its defaults.
import process from "node:process";
import { median } from "./compare.ts";
import { OwnProcess } from "./own_process.ts";
import { printGoals } from "./print.ts";
import { openStorageFixture, type StorageFixture } from "./storage_fixture.ts";
import { GIVEN, OWN, SDK, type StorageTask, type Transfer, VERIFIED } from "./storage_process.ts";

const MIB = 2 ** 20;
/** Parts under way at once, and their size, by default. */
const PARTS_BYTES = 4 * 8 * MIB;

/** 256 MiB up and down, in turns, each in a new process; at most seven rounds, for they are long. */
export async function benchStorageLarge(rounds: number): Promise<void> {
  await using fixture = await openStorageFixture();
  const names = [SDK, OWN, VERIFIED, GIVEN];
  const results = new Map<string, Transfer[]>();
  for (let round = 0; round < Math.min(rounds, 7); round++) {
    for (let i = 0; i < names.length; i++) {
      const name = names[(i + round) % names.length]!;
      const [up, down] = await transfers(fixture, name, 256 * MIB);
      push(results, `${name} up`, up);
      push(results, `${name} down`, down);
    }
  }
  for (const [name, transfers] of results) {
    const speed = median(transfers.map(({ ms }) => 256_000 / ms)).toFixed(0);
    process.stdout.write(`  ${name.padEnd(46)} ${speed.padStart(5)} MiB/s, ${grown(transfers)}\n`);
  }
  for (const way of ["up", "down"] as const) {
    const of = (name: string): Transfer[] => results.get(`${name} ${way}`) ?? [];
    printGoals([
      atLeast(`${OWN} ${way} >= 0.95 x ${SDK}`, ratio(of(OWN), of(SDK)), 0.95),
      ...[VERIFIED, GIVEN].map((name) =>
        atMost(`time of ${name} ${way} <= 1.15 x`, 1 / ratio(of(name), of(OWN)), 1.15)
      ),
      atMost(
        `growth ${way} in MiB <= parts x size + 40`,
        Math.max(...of(OWN).map(({ growthBytes }) => growthBytes)) / MIB,
        PARTS_BYTES / MIB + 40,
      ),
    ]);
  }
  const [up, down] = await transfers(fixture, OWN, 1_024 * MIB);
  process.stdout.write(`\n1 GiB up: ${grown([up])}; down: ${grown([down])}\n`);
  printGoals([up, down].map(({ growthBytes }) => {
    return atMost("growth in MiB < 100", growthBytes / MIB, 100);
  }));
}

async function transfers(
  { url, bucket }: StorageFixture,
  name: string,
  bytes: number,
): Promise<[up: Transfer, down: Transfer]> {
  const measure = async (work: "up" | "down"): Promise<Transfer> => {
    await using script = new OwnProcess("storage_process.ts", [name, url, bucket]);
    await script.next();
    const task: StorageTask = { work, bytes };
    script.tell(JSON.stringify(task));
    return await script.next<Transfer>();
  };
  return [await measure("up"), await measure("down")];
}

function push(results: Map<string, Transfer[]>, name: string, one: Transfer): void {
  results.set(name, [...results.get(name) ?? [], one]);
}

function grown(transfers: readonly Transfer[]): string {
  const growths = transfers.map(({ growthBytes }) => growthBytes / MIB);
  return `grew by ${median(growths).toFixed(0)} MiB (at most ${Math.max(...growths).toFixed(0)})`;
}

/** The median over the rounds of how much faster the first is than the second. */
function ratio(these: readonly Transfer[], those: readonly Transfer[]): number {
  return median(these.map(({ ms }, round) => (those[round]?.ms ?? NaN) / ms));
}

function atLeast(text: string, value: number, least: number) {
  return { text, value, met: value >= least };
}

function atMost(text: string, value: number, most: number) {
  return { text, value, met: value <= most };
}
