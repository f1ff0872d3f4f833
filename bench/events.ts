// Events on Redis: the library against the client that it wraps.
import process from "node:process";
import { compareMeasured } from "./compare.ts";
import { OWN, RAW } from "./events_process.ts";
import { OwnProcess } from "./own_process.ts";
import { fasterBy, printGoals, printRows } from "./print.ts";

/** How many events are under way. */
const WINDOW = 256;

/** Publishes and hears. */
export async function benchEvents(rounds: number): Promise<void> {
  await using processes = new AsyncDisposableStack();
  const contenders = [];
  for (const name of [RAW, OWN]) {
    const one = processes.use(new OwnProcess("events_process.ts", [name]));
    await one.next(); // It has heard its first event.
    contenders.push({
      name,
      measure: (plan: object): Promise<number> => {
        one.tell(JSON.stringify(plan));
        return one.next<number>();
      },
    });
  }
  const plan = { rounds, slotMs: 250, concurrency: WINDOW };
  const rows = await compareMeasured(contenders, plan);
  printRows(`an event of 195 bytes from publish to handler, ${WINDOW} under way`, rows);
  for (const { name, msPerCall } of rows) {
    process.stdout.write(`  ${name}: ${Math.round(1_000 / msPerCall)} events a second\n`);
  }
  printGoals([fasterBy(rows, OWN, RAW, 0.9)]);
}
