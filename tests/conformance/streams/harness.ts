import assert from "node:assert/strict";
import type {
  StreamBatch,
  StreamBus,
  StreamCapabilities,
  StreamEntry,
  StreamProblem,
  StreamReader,
  StreamSubscribeOptions,
} from "../../../messaging/streams.ts";
import { soon, uniqueChannel } from "../messaging/support.ts";
import type { TestFn } from "../test_fn.ts";

/** An adapter of the `StreamBus` port, as its conformance suite needs it. */
export interface StreamHarness {
  /** The name of the adapter, in front of every test. */
  readonly name: string;
  /** What the adapter says it can do, which selects the tests. */
  readonly capabilities: StreamCapabilities;
  /** A short `takeOverMs` that the adapter keeps, in milliseconds. */
  readonly takeOverMs: number;
  /** Creates a bus; all of one test meet on the same server. The suite closes it. */
  create(): Promise<StreamBus>;
  /** Puts bytes into the stream of a channel that are perhaps no event. */
  publishRaw(channel: string, bytes: Uint8Array): Promise<void>;
}

/** What a scenario works with. */
export interface StreamScene {
  /** A bus. */
  readonly bus: StreamBus;
  /** A channel that no other scenario uses. */
  readonly channel: string;
  /** The adapter. */
  readonly harness: StreamHarness;
  /** Creates another bus on the same server, as another process would. */
  readonly another: () => Promise<StreamBus>;
}

/** Says by name what a bus does, each on a channel of its own. */
export type StreamScenarios = Readonly<Record<string, (scene: StreamScene) => Promise<void>>>;

/** Registers a test for every scenario. */
export function registerStreamScenarios(
  test: TestFn,
  harness: StreamHarness,
  scenarios: StreamScenarios,
): void {
  for (const [name, run] of Object.entries(scenarios)) {
    test(`${harness.name}: ${name}`, () => soon(play(harness, run), () => "the scenario", 60_000));
  }
}

async function play(
  harness: StreamHarness,
  run: (scene: StreamScene) => Promise<void>,
): Promise<void> {
  const buses: StreamBus[] = [];
  const another = async (): Promise<StreamBus> => {
    const bus = await harness.create();
    buses.push(bus);
    return bus;
  };
  const bus = await another();
  assert.deepEqual(bus.capabilities, harness.capabilities);
  try {
    await run({ bus, channel: uniqueChannel(), harness, another });
  } finally {
    // A failed scenario may leave a handler behind; its failure is the one to show.
    await Promise.all(buses.map((one) => one.close({ timeoutMs: 200 }).catch(() => {})));
  }
}

/** Pauses that do not hold up a test. */
export const QUICK: Pick<StreamSubscribeOptions, "backoff"> = { backoff: { baseMs: 1, maxMs: 5 } };

/** Encodes text. */
export function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** Reads until there are `count` entries, however many reads that takes. */
export async function readUntil(reader: StreamReader, count: number): Promise<StreamEntry[]> {
  const entries: StreamEntry[] = [];
  const read = async (): Promise<StreamEntry[]> => {
    while (entries.length < count) entries.push(...(await readSome(reader)).entries);
    return entries;
  };
  return await soon(read(), () => `${count} entries, there are ${entries.length}`);
}

/** Reads once, with a wait that is short. */
export function readSome(reader: StreamReader): Promise<StreamBatch> {
  return reader.read({ waitMs: 100 });
}

/** The payloads of entries. */
export function payloads(entries: readonly StreamEntry[]): string[] {
  return entries.map((entry) => entry.decode().payload);
}

/** What kind of problem it is, and how the handler failed or why it was buried. */
export function kindOfProblem(problem: StreamProblem): string {
  if (problem.kind === "buried") return `buried ${problem.death.reason} ${problem.death.attempts}`;
  return problem.kind === "gap" ? `gap ${problem.lost}` : problem.kind;
}

/** Waits until `isSo`; asks again after a pause that leaves the server alone. */
export async function untilSo(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const ask = async (): Promise<void> => {
    while (!await isSo()) await new Promise((resolve) => setTimeout(resolve, 10));
  };
  await soon(ask(), () => what);
}
