import {
  CacheKey,
  EventChannel,
  type Infrastructure,
  type LeaderboardEntry,
  submissionEventSchema,
  validated,
} from "../../mod.ts";
import type { People, PublishedBenchmark } from "./setup.ts";

/** How a change of a board arrived at a subscriber. */
export interface BoardChangeReport {
  readonly benchmark: string;
  readonly model: string;
  readonly oldLevel: string;
  readonly newLevel: string;
  /** From the call that made the change to the handler, in milliseconds. */
  readonly arrivedMs: number;
  /** What the cache gave to the handler for that model: the level of before would be stale. */
  readonly levelInCache: string | undefined;
}

/**
 * Verifies a submission whose board is in the cache, and waits until a durable subscriber has heard of it from the
 * outbox; `undefined` if every model of the board is verified.
 */
export async function seeBoardChange(
  exchange: Infrastructure,
  { reviewer }: People,
  { benchmark }: PublishedBenchmark,
): Promise<BoardChangeReport | undefined> {
  const board = await readBoard(exchange, benchmark.id);
  const entry = board.find(({ verification }) => verification === "unverified");
  const submission = entry && await exchange.submissions.getById(entry.submissionId);
  if (!submission) return undefined;
  let resolve = (_: Heard): void => {};
  const promise = new Promise<Heard>((done) => resolve = done);
  const handler = validated(submissionEventSchema, async (event) => {
    if (event.type !== "VerificationCompleted" || event.submissionId !== submission.id) return;
    const heardMs = performance.now();
    const now = (await readBoard(exchange, benchmark.id))
      .find(({ submissionId }) => submissionId === submission.id);
    const { oldLevel, newLevel } = event;
    resolve({ oldLevel, newLevel, heardMs, levelInCache: now?.verification });
  });
  const group = `demo-${crypto.randomUUID()}`;
  const { streams } = exchange;
  const subscription = await streams.subscribe(EventChannel.VERIFICATION, handler, {
    group,
    from: "end",
  });
  const startMs = performance.now();
  await exchange.submissions.updateVerification(
    submission.id,
    { level: "community_verified", verifiedBy: reviewer.id, notes: "Seen by the demo" },
    { expectedRevision: submission.revision },
  );
  const { heardMs, ...heard } = await promise;
  await subscription.drain(5_000);
  const names = { benchmark: benchmark.name, model: submission.model.name };
  return { ...names, ...heard, arrivedMs: heardMs - startMs };
}

type Heard = Pick<BoardChangeReport, "oldLevel" | "newLevel" | "levelInCache"> & {
  readonly heardMs: number;
};

function readBoard(
  { cache, submissions }: Infrastructure,
  benchmarkId: string,
): Promise<readonly LeaderboardEntry[]> {
  const load = async () => (await submissions.getLeaderboard({ benchmarkId })).items;
  return cache.getOrSet(CacheKey.leaderboard(benchmarkId), load, { ttlMs: 60_000 });
}
