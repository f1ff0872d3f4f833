/**
 * The path of a member, as errors name it. A key that could break a log line or fill it is not shown;
 * keys come from outside.
 *
 * ```ts
 * import { memberPath } from "@benchmark-exchange/infrastructure/core";
 *
 * console.log(memberPath("results[17]", "score")); // "results[17].score"
 * console.log(memberPath("", "score")); // "score"
 * console.log(memberPath("metrics", "pass\n2026 ERROR")); // "metrics.<key of 15 characters>"
 * ```
 */
export function memberPath(path: string, key: string): string {
  return path === "" ? showKey(key) : `${path}.${showKey(key)}`;
}

function showKey(key: string): string {
  return /^[\p{L}\p{N} _$-]{1,100}$/u.test(key) ? key : `<key of ${key.length} characters>`;
}

/**
 * Names the kind of a value without showing it.
 *
 * ```ts
 * import { kindOf, ValidationError } from "@benchmark-exchange/infrastructure/core";
 *
 * function checkApiKey(value: unknown): string {
 *   if (typeof value === "string") return value;
 *   throw new ValidationError("apiKey", `it must be a string, got ${kindOf(value)}`);
 * }
 * console.log(checkApiKey("k1")); // "k1"
 * console.log([null, ["k1"], { key: "k1" }].map(kindOf)); // [ "null", "an array", "object" ]
 * ```
 */
export function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "an array";
  return typeof value;
}

/**
 * Shows a number, and the kind of anything else.
 *
 * ```ts
 * import { showValue, ValidationError } from "@benchmark-exchange/infrastructure/core";
 *
 * function checkShare(value: unknown): number {
 *   if (typeof value === "number" && value >= 0 && value <= 1) return value;
 *   throw new ValidationError("share", `it must be from 0 to 1, got ${showValue(value)}`);
 * }
 * console.log(checkShare(0.5)); // 0.5
 * console.log(showValue(1.5), showValue("s3cr3t")); // 1.5 string
 * ```
 */
export function showValue(value: unknown): string {
  return typeof value === "number" ? String(value) : kindOf(value);
}
