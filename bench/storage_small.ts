// Small objects on S3: the library against the SDK with its defaults.
import { compareMeasured, type MeasuredContender } from "./compare.ts";
import { OwnProcess } from "./own_process.ts";
import { fasterBy, printGoals, printRows } from "./print.ts";
import { openStorageFixture } from "./storage_fixture.ts";
import { OWN, SDK, type StorageTask, VERIFIED } from "./storage_process.ts";

const GOALS = { put: 1.2, get: 1.4 } as const;

/** Puts and gets of 1 KB. */
export async function benchStorageSmall(rounds: number): Promise<void> {
  await using fixture = await openStorageFixture();
  await using processes = new AsyncDisposableStack();
  const contenders = new Map<string, OwnProcess>();
  for (const name of [SDK, OWN, VERIFIED]) {
    const one = new OwnProcess("storage_process.ts", [name, fixture.url, fixture.bucket]);
    contenders.set(name, processes.use(one));
    await one.next();
  }
  for (const work of ["put", "get"] as const) {
    const measured = [...contenders].map(([name, one]): MeasuredContender => ({
      name,
      measure: (plan) => {
        const task: StorageTask = { ...plan, work };
        one.tell(JSON.stringify(task));
        return one.next<number>();
      },
    }));
    const rows = await compareMeasured(measured, { rounds, slotMs: 300, concurrency: 16 });
    printRows(`${work} of 1 KB, concurrency 16`, rows);
    printGoals([fasterBy(rows, OWN, SDK, GOALS[work])]);
  }
}
