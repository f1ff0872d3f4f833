// Job queues that do what streams are used for: each message is added, handled and done.
import type { Contender } from "./compare.ts";
import { Countdown, PAYLOAD, sendAll } from "./event_fixture.ts";
import { openFixture } from "./fixture.ts";
import { importPeers } from "./peers.ts";

const BATCH = 100;

/** BullMQ on Redis, added one by one, with as many at a time in its worker as it did best with. */
export async function bullmq(
  resources: AsyncDisposableStack,
  redisUrl: string,
  messages: number,
): Promise<Contender> {
  const { Queue, Worker, Redis } = await importPeers();
  const connect = () => {
    const connection = new Redis(redisUrl, { maxRetriesPerRequest: null });
    resources.defer(() => connection.disconnect());
    return connection;
  };
  const name = `bench-${crypto.randomUUID()}`;
  const queue = new Queue(name, { connection: connect() });
  const countdown = new Countdown();
  const worker = new Worker(name, () => Promise.resolve(countdown.one()), {
    connection: connect(),
    concurrency: 50,
    removeOnComplete: { count: 0 },
  });
  resources.defer(async () => {
    await worker.close();
    await queue.obliterate({ force: true });
    await queue.close();
  });
  const run = async (): Promise<void> => {
    const handled = countdown.of(messages);
    await sendAll(messages, () => queue.add("event", PAYLOAD));
    await handled;
  };
  return { name: "BullMQ", run };
}

/** pg-boss on PostgreSQL, inserted, fetched and completed by the hundred. */
export async function pgBoss(
  resources: AsyncDisposableStack,
  messages: number,
): Promise<Contender> {
  const { PgBoss } = await importPeers();
  const { url } = resources.use(await openFixture());
  const boss = new PgBoss({ connectionString: url, supervise: false, schedule: false });
  await boss.start();
  resources.defer(() => boss.stop({ graceful: false, close: true }));
  const queue = "bench";
  await boss.createQueue(queue);
  const work = async (): Promise<void> => {
    for (let left = messages; left > 0;) {
      const jobs: readonly { readonly id: string }[] = await boss.fetch(queue, {
        batchSize: BATCH,
      });
      if (jobs.length > 0) await boss.complete(queue, jobs.map(({ id }) => id));
      left -= jobs.length;
    }
  };
  const add = async (): Promise<void> => {
    const jobs = Array.from({ length: BATCH }, () => ({ data: PAYLOAD }));
    for (let left = messages; left > 0; left -= BATCH) await boss.insert(queue, jobs);
  };
  const run = () => Promise.all([work(), add()]);
  return { name: "pg-boss", run };
}
