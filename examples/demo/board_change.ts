import {
  CacheKey,
  EventChannel,
  type Infrastructure,
  type LeaderboardEntry,
  submissionEventSchema,
  validated,
} from "@benchmark-exchange/infrastructure";
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
  const key = CacheKey.leaderboard(benchmark.id);
  const readBoard = (): Promise<readonly LeaderboardEntry[]> =>
    exchange.cache.getOrSet(key, async () => {
      return (await exchange.submissions.getLeaderboard({ benchmarkId: benchmark.id })).items;
    }, { ttlMs: 60_000 });
  const entry = (await readBoard()).find(({ verification }) => verification === "unverified");
  const submission = entry && await exchange.submissions.getById(entry.submissionId);
  if (!submission) return undefined;
  const { promise, resolve } = Promise.withResolvers<BoardChangeReport>();
  let startMs = 0;
  const handler = validated(submissionEventSchema, async (event) => {
    if (event.type !== "VerificationCompleted" || event.submissionId !== submission.id) return;
    const arrivedMs = performance.now() - startMs;
    const now = (await readBoard()).find(({ submissionId }) => submissionId === submission.id);
    resolve({
      benchmark: benchmark.name,
      model: submission.model.name,
      oldLevel: event.oldLevel,
      newLevel: event.newLevel,
      arrivedMs,
      levelInCache: now?.verification,
    });
  });
  const subscription = await exchange.streams.subscribe(EventChannel.VERIFICATION, handler, {
    group: `demo-${crypto.randomUUID()}`,
    from: "end",
  });
  startMs = performance.now();
  await exchange.submissions.updateVerification(
    submission.id,
    { level: "community_verified", verifiedBy: reviewer.id, notes: "Seen by the demo" },
    { expectedRevision: submission.revision },
  );
  const report = await promise;
  await subscription.drain(5_000);
  return report;
}
