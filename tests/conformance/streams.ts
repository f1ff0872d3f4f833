import { drainingScenarios } from "./streams/draining.ts";
import { groupScenarios } from "./streams/groups.ts";
import { handlingScenarios } from "./streams/handling.ts";
import { registerStreamScenarios, type StreamHarness } from "./streams/harness.ts";
import { historyScenarios, noHistoryScenarios } from "./streams/history.ts";
import { letterScenarios } from "./streams/letters.ts";
import { publishingScenarios } from "./streams/publishing.ts";
import { readingScenarios } from "./streams/reading.ts";
import type { TestFn } from "./test_fn.ts";

export type { StreamHarness } from "./streams/harness.ts";

/**
 * Registers the tests of the `StreamBus` port for one adapter. They say in the words of the port what a bus does; the
 * capabilities of the harness select those that apply.
 */
export function streamConformance(test: TestFn, harness: StreamHarness): void {
  registerStreamScenarios(test, harness, {
    ...publishingScenarios,
    ...groupScenarios,
    ...handlingScenarios,
    ...readingScenarios,
    ...letterScenarios,
    ...(harness.capabilities.replay ? historyScenarios : noHistoryScenarios),
    ...drainingScenarios,
  });
}
