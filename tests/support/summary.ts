import { notesIn } from "./note.ts";
import type { FileResult } from "./run_file.ts";
import type { RuntimeName } from "./runtimes.ts";

/** One line for each thing that went wrong, besides what the native runners print. */
export function failures(results: readonly FileResult[]): string[] {
  const single = results.filter(isFailure).map(({ file, runtime, failed, problem }) =>
    `${file} on ${runtime}: ${problem ?? `${failed} failed`}`
  );
  return [...single, ...mismatches(results)];
}

/** Whether a test file failed on a runtime. */
export function isFailure(result: FileResult): boolean {
  return result.failed > 0 || result.problem !== undefined;
}

/** The totals in one line. */
export function totals(results: readonly FileResult[], durationMs: number): string {
  const runtimes = [...new Set(results.map(({ runtime }) => runtime))];
  const counts = runtimes.map((runtime) => {
    const own = results.filter((result) => result.runtime === runtime);
    const skipped = sum(own, (result) => result.skipped.length);
    return `${runtime} ${sum(own, (result) => result.passed)} passed, ${skipped} skipped`;
  });
  const failedTests = sum(results, ({ failed, problem }) => failed || (problem ? 1 : 0));
  const failed = failedTests + mismatches(results).length;
  return `${counts.join(" · ")} — ${failed} failed in ${Math.round(durationMs / 1000)} s`;
}

/** One line for each reason of skipped tests; where there is none, for each test. */
export function skips(results: readonly FileResult[]): string[] {
  const counts = new Map<string, Map<RuntimeName, number>>();
  for (const { runtime, file, skipped } of results) {
    for (const name of skipped) {
      const reason = / \[(.+)\]$/.exec(name)?.[1] ?? `${file}: ${name}`;
      const count = counts.get(reason) ?? new Map<RuntimeName, number>();
      counts.set(reason, count.set(runtime, (count.get(runtime) ?? 0) + 1));
    }
  }
  return [...counts].map(([reason, count]) =>
    `${[...count].map(([runtime, number]) => `${runtime} ${number}`).join(", ")}: ${reason}`
  );
}

/** What tests have noted, such as counts. */
export function notes(results: readonly FileResult[]): string[] {
  return results.flatMap(({ runtime, file, output }) =>
    notesIn(output).map((note) => `${file} on ${runtime}: ${note}`)
  );
}

/**
 * Files whose tests are not the same everywhere: some vanished on a runtime without a failure. One that is skipped as a
 * whole somewhere says so among the skips.
 */
function mismatches(results: readonly FileResult[]): string[] {
  const files = Map.groupBy(results, ({ file }) => file);
  return [...files].flatMap(([file, own]) => {
    const tested = own.filter(({ passed }) => passed > 0);
    const counts = tested.map(({ passed, skipped }) => passed + skipped.length);
    if (own.some(isFailure) || new Set(counts).size <= 1) return [];
    const list = tested.map(({ runtime }, i) => `${counts[i]} on ${runtime}`).join(", ");
    return [`${file}: its tests must be the same on each runtime, got ${list}`];
  });
}

function sum(results: readonly FileResult[], count: (result: FileResult) => number): number {
  return results.reduce((total, result) => total + count(result), 0);
}
