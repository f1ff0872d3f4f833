import { channelScenarios, noPatternScenarios, patternScenarios } from "./messaging/channels.ts";
import { atMostOnceScenarios, failureScenarios } from "./messaging/failures.ts";
import { type MessagingHarness, registerScenarios } from "./messaging/support.ts";
import { closingScenarios } from "./messaging/closing.ts";
import { publishingScenarios } from "./messaging/publishing.ts";
import { subscribingScenarios } from "./messaging/subscribing.ts";
import type { TestFn } from "./test_fn.ts";
import { unsubscribingScenarios } from "./messaging/unsubscribing.ts";

export type { MessagingHarness } from "./messaging/support.ts";
export type { TestFn } from "./test_fn.ts";

/**
 * Registers the tests of the `EventBus` port for one adapter. They say in the words of the port what a
 * bus does; the capabilities of the harness select those that apply.
 *
 * ```ts
 * import { test } from "node:test";
 * import { MemoryEventBus } from "@benchmark-exchange/infrastructure/messaging";
 * import { messagingConformance } from "@benchmark-exchange/infrastructure/testing";
 *
 * messagingConformance(test, {
 *   name: "MemoryEventBus", // or your own adapter
 *   capabilities: { patterns: true, maxPayloadBytes: 1_000_000 },
 *   create: () => Promise.resolve(new MemoryEventBus()),
 * });
 * ```
 */
export function messagingConformance(test: TestFn, harness: MessagingHarness): void {
  const { patterns } = harness.capabilities;
  registerScenarios(test, harness, {
    ...publishingScenarios,
    ...channelScenarios,
    ...(patterns ? patternScenarios : noPatternScenarios),
    ...subscribingScenarios,
    ...failureScenarios,
    ...atMostOnceScenarios,
    ...unsubscribingScenarios,
    ...closingScenarios,
  });
}
