import { checkPattern } from "./key_rules.ts";

/**
 * Compiles a glob into a test for whole keys: `*` stands for any text, also none, and `?` for one
 * character (a code point). Throws a `ValidationError` for a pattern that no key can match.
 *
 * A key costs at most `pattern length x key length` steps, and both are bounded: after a mismatch
 * only the last `*` takes one more character, so nothing is tried twice over. An adapter whose
 * server has globs of its own uses those to narrow down and this to decide; in Redis, `?` is a byte.
 *
 * ```ts
 * import { compileGlob } from "@benchmark-exchange/infrastructure/cache";
 *
 * const matches = compileGlob("leaderboard:2026-??:*");
 * console.log(matches("leaderboard:2026-11:humaneval")); // true
 * console.log(matches("leaderboard:2026:humaneval")); // false
 *
 * const keys = ["benchmark:1", "benchmark:2", "user:ada"]; // of the memory of your adapter
 * console.log(keys.filter(compileGlob("benchmark:*"))); // [ "benchmark:1", "benchmark:2" ]
 * ```
 */
export function compileGlob(pattern: string): (key: string) => boolean {
  const characters = Array.from(checkPattern(pattern));
  const literal = /^[^*?]*/.exec(pattern)?.[0] ?? "";
  return (key) => key.startsWith(literal) && matches(characters, Array.from(key));
}

function matches(pattern: readonly string[], text: readonly string[]): boolean {
  let inPattern = 0;
  let inText = 0;
  let afterStar = 0;
  let starEnd = 0;
  while (inText < text.length) {
    if (pattern[inPattern] === "*") {
      afterStar = ++inPattern;
      starEnd = inText;
    } else if (pattern[inPattern] === "?" || pattern[inPattern] === text[inText]) {
      inPattern++;
      inText++;
    } else if (afterStar > 0) {
      inPattern = afterStar;
      inText = ++starEnd;
    } else {
      return false;
    }
  }
  return pattern.slice(inPattern).every((rest) => rest === "*");
}
