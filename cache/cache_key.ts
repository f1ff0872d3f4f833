import { checkKey, checkKeyPart } from "./key_rules.ts";

/**
 * Builds the keys of the exchange: the name of the family and the parts, joined by `:`.
 *
 * A part that could break out of its place is refused with a `ValidationError` that names it:
 * `:`, what {@linkcode checkKey} refuses, and the empty string. So different parts never give the
 * same key, and no part reaches the keys of another family.
 *
 * ```ts
 * import { CacheKey } from "@benchmark-exchange/infrastructure/cache";
 *
 * console.log(CacheKey.benchmark("123")); // "benchmark:123"
 * console.log(CacheKey.rateLimit("ada", "api")); // "ratelimit:ada:api"
 * ```
 */
export class CacheKey {
  private constructor() {}

  /** `benchmark:<id>` */
  static benchmark(benchmarkId: string): string {
    return build("benchmark", { benchmarkId });
  }

  /** `leaderboard:<benchmark id>` */
  static leaderboard(benchmarkId: string): string {
    return build("leaderboard", { benchmarkId });
  }

  /** `user:<id>` */
  static user(userId: string): string {
    return build("user", { userId });
  }

  /** `session:<id>` */
  static session(sessionId: string): string {
    return build("session", { sessionId });
  }

  /** `ratelimit:<subject>:<action>`, such as `ratelimit:user1:api` */
  static rateLimit(subject: string, action: string): string {
    return build("ratelimit", { subject, action });
  }

  /** A key of a family of your own, such as `CacheKey.of("summary", "en", "123")`. */
  static of(family: string, ...parts: string[]): string {
    return build(family, Object.fromEntries(parts.map((part, i) => [`parts[${i}]`, part])));
  }
}

function build(family: string, parts: Record<string, string>): string {
  const checked = Object.entries(parts).map(([field, part]) => checkKeyPart(field, part));
  return checkKey([checkKeyPart("family", family), ...checked].join(":"));
}
