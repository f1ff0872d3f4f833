// How much memory creating a submission with 100,000 results takes, relative to its input.
import process from "node:process";
import { type CaseResult, newId, PostgresSubmissionRepository } from "../mod.ts";
import { openFixture } from "./fixture.ts";
import { printGoals } from "./print.ts";

const COUNT = 100_000;

/** Measures the peak of the process above what it was with the input in memory. */
export async function benchMemory(): Promise<void> {
  await using fixture = await openFixture(2);
  const versionId = await fixture.createVersion("1.0.0");
  const repository = new PostgresSubmissionRepository(fixture.pool);
  const before = process.memoryUsage.rss();
  const results = Array.from({ length: COUNT }, (_, index): CaseResult => ({
    caseName: `case-${index}`,
    passed: index % 2 === 0,
    score: index,
    durationMs: index,
    output: `${index} `.repeat(30),
  }));
  // Joined text is a tree in the engine until something reads it.
  const inputBytes = JSON.stringify(results).length;
  const withInput = process.memoryUsage.rss();
  let peak = withInput;
  const watch = setInterval(() => peak = Math.max(peak, process.memoryUsage.rss()), 5);
  await repository.create({
    versionId,
    model: { provider: "provider", name: newId() },
    submittedBy: fixture.userId,
    score: 1,
    results,
  });
  clearInterval(watch);
  const mb = (bytes: number): string => `${Math.round(bytes / 2 ** 20)} MiB`;
  process.stdout.write(
    `\nCreate a submission with ${COUNT} results: input ${mb(inputBytes)} as JSON, process ` +
      `${mb(before)} before, ${mb(withInput)} with the input, ${mb(peak)} at the peak\n`,
  );
  const value = (peak - withInput) / inputBytes;
  printGoals([{ text: "growth while creating <= 3 x the input", value, met: value <= 3 }]);
}
