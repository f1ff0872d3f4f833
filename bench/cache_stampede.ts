// Many processes miss one key at once: how often is it loaded, and how long does everybody wait?
import process from "node:process";
import { openCacheFixture } from "./cache_fixture.ts";
import { LOAD_MS, type Stampede, type StampedeKind } from "./cache_stampede_process.ts";
import { median } from "./compare.ts";
import { OwnProcess } from "./own_process.ts";
import { printGoals } from "./print.ts";

const PROCESSES = 4;
const CALLS = 1_000;
const REPEATS = 11;
const MOST_MS = LOAD_MS + 25;

/** 1,000 concurrent misses of one key over four processes. */
export async function benchCacheStampede(): Promise<void> {
  process.stdout.write(
    `\n${CALLS} misses of one key at once in ${PROCESSES} processes, its loader takes ` +
      `${LOAD_MS} ms; each of ${REPEATS} repeats\n`,
  );
  await using fixture = openCacheFixture();
  for (const kind of ["RedisCacheProvider", "bentocache", "cacheable"] as const) {
    const repeats = await stampedes(kind, `${fixture.namespace}-${kind}`);
    const loads = repeats.map((all) => all.reduce((sum, one) => sum + one.loads, 0));
    const slowest = repeats.map((all) => Math.max(...all.map(({ ms }) => ms)));
    process.stdout.write(
      `  ${kind.padEnd(20)} loads ${loads}; slowest process ${slowest.map(Math.round)} ms, ` +
        `median ${median(slowest).toFixed(1)} ms\n`,
    );
    if (kind !== "RedisCacheProvider") continue;
    const most = Math.max(...loads);
    const ms = median(slowest);
    printGoals([
      { text: "loader runs in all processes = 1, each time", value: most, met: most === 1 },
      { text: `slowest process, median <= ${MOST_MS} ms`, value: ms, met: ms <= MOST_MS },
    ]);
  }
}

/** What each process says, for each repeat. */
async function stampedes(kind: StampedeKind, namespace: string): Promise<Stampede[][]> {
  await using stack = new AsyncDisposableStack();
  const processes = Array.from(
    { length: PROCESSES },
    () =>
      stack.use(
        new OwnProcess("cache_stampede_process.ts", [
          kind,
          namespace,
          String(CALLS / PROCESSES),
        ]),
      ),
  );
  const answers = <T>(): Promise<T[]> => Promise.all(processes.map((one) => one.next<T>()));
  await answers(); // They are connected.
  const repeats: Stampede[][] = [];
  for (let repeat = 0; repeat < REPEATS; repeat++) {
    for (const one of processes) one.tell(`benchmark:${repeat}`);
    repeats.push(await answers());
  }
  return repeats;
}
