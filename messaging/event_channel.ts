import { checkSegment } from "./channel_rules.ts";

/**
 * The channels of the exchange. A service may use others; these are the ones that the library
 * itself and its documentation speak of.
 *
 * ```ts
 * import { EventChannel } from "@benchmark-exchange/infrastructure/messaging";
 *
 * console.log(EventChannel.BENCHMARK); // "events:benchmark"
 * console.log(EventChannel.benchmarkSpecific("123")); // "events:benchmark:123"
 * ```
 */
export class EventChannel {
  /** What happens to benchmarks: `events:benchmark`. */
  static readonly BENCHMARK = "events:benchmark";
  /** What happens to submissions: `events:submission`. */
  static readonly SUBMISSION = "events:submission";
  /** How verifications go: `events:verification`. */
  static readonly VERIFICATION = "events:verification";
  /** How the boards move: `events:leaderboard`. */
  static readonly LEADERBOARD = "events:leaderboard";
  /** What happens to users: `events:user`. */
  static readonly USER = "events:user";
  /** What happens to organizations: `events:organization`. */
  static readonly ORGANIZATION = "events:organization";
  /** Proposals and votes: `events:governance`. */
  static readonly GOVERNANCE = "events:governance";
  /** What happens to the platform itself: `events:system`. */
  static readonly SYSTEM = "events:system";

  /**
   * The channel of one benchmark, such as `events:benchmark:123`. Throws a `ValidationError` unless
   * the id has 1 to 100 ASCII letters, digits, `.`, `_` and `-`, so that it cannot name another channel.
   */
  static benchmarkSpecific(benchmarkId: string): string {
    return `${EventChannel.BENCHMARK}:${checkSegment("benchmarkId", benchmarkId)}`;
  }

  /** The channel of one submission, such as `events:submission:456`; throws as for a benchmark. */
  static submissionSpecific(submissionId: string): string {
    return `${EventChannel.SUBMISSION}:${checkSegment("submissionId", submissionId)}`;
  }
}
