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
 *
 * ```ts
 * import { test } from "node:test";
 * import { MemoryStreamBus, MemoryStreams } from "@benchmark-exchange/infrastructure/messaging";
 * import { streamConformance } from "@benchmark-exchange/infrastructure/testing";
 *
 * const streams = new MemoryStreams();
 * streamConformance(test, {
 *   name: "MemoryStreamBus", // or your own adapter
 *   capabilities: { replay: true, maxPayloadBytes: 1_000_000 },
 *   takeOverMs: 100,
 *   create: () => Promise.resolve(new MemoryStreamBus({ streams })),
 *   publishRaw: (channel, bytes) => Promise.resolve(streams.append(channel, bytes)),
 * });
 * ```
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
