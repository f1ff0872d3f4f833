import assert from "node:assert/strict";
import type { LeaderboardEntry } from "../../../domain/submission.ts";
import type { SubmissionFixture } from "./fixture.ts";

/** Every line of a board, read in pages: rank, model and score. */
export async function board(
  { repository, ...fixture }: SubmissionFixture,
  versionId = fixture.versionId,
  limit = 100,
): Promise<string[]> {
  const all: LeaderboardEntry[] = [];
  let cursor: string | undefined;
  do {
    const page = await repository.getLeaderboard({ versionId }, { limit, cursor });
    all.push(...page.items);
    assert.ok(all.length < 1_000, "the pages do not end");
    cursor = page.nextCursor;
  } while (cursor);
  return lines(all);
}

/** The lines of entries. */
export function lines(entries: readonly LeaderboardEntry[]): string[] {
  return entries.map(({ rank, model, score }) => `${rank} ${model.name} ${score}`);
}
