// Values on Redis: the library against the client that it wraps and its peers.
import { openCacheFixture } from "./cache_fixture.ts";
import { REDIS_PEERS } from "./cache_peers.ts";
import { BATCH, IOREDIS_TEXT, OWN, RAW, RAW_TEXT, type Task } from "./cache_redis_process.ts";
import { compareMeasured, type MeasuredContender, type Row } from "./compare.ts";
import { OwnProcess } from "./own_process.ts";
import { fasterBy, printGoals, printRows } from "./print.ts";

const PEERS = Object.keys(REDIS_PEERS);

/** Gets, sets, and gets by the hundred. */
export async function benchCacheRedis(rounds: number): Promise<void> {
  await using fixture = openCacheFixture();
  await using processes = new AsyncDisposableStack();
  const contenders = new Map<string, OwnProcess>();
  for (const [index, name] of [RAW, OWN, ...PEERS, RAW_TEXT, IOREDIS_TEXT].entries()) {
    const one = new OwnProcess("cache_redis_process.ts", [name, `${fixture.namespace}-${index}`]);
    contenders.set(name, processes.use(one));
    await one.next(); // It is connected and has its values.
  }
  for (const work of ["get", "set"] as const) {
    for (const concurrency of [1, 32]) {
      const plan = { rounds, slotMs: 80, concurrency };
      const rows = await compareMeasured(measured(contenders, work), plan);
      print(`${work} of a value of 1 KB, concurrency ${concurrency}`, rows);
    }
  }
  const plan = { rounds, slotMs: 120, concurrency: 1 };
  const rows = await compareMeasured(measured(contenders, "getMany"), plan);
  print(`mget of ${BATCH} values of 1 KB`, rows);
}

function measured(
  contenders: ReadonlyMap<string, OwnProcess>,
  work: Task["work"],
): MeasuredContender[] {
  return [...contenders].map(([name, one]) => ({
    name,
    measure: (plan) => {
      one.tell(JSON.stringify({ ...plan, work }));
      return one.next<number>();
    },
  }));
}

function print(title: string, rows: readonly Row[]): void {
  printRows(title, rows);
  printGoals([
    fasterBy(rows, OWN, RAW, 0.93),
    ...PEERS.map((peer) => fasterBy(rows, OWN, peer, 1)),
  ]);
}
