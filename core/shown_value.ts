/**
 * The path of a member, as errors name it. A key that could break a log line or fill it is not shown;
 * keys come from outside.
 */
export function memberPath(path: string, key: string): string {
  return path === "" ? showKey(key) : `${path}.${showKey(key)}`;
}

function showKey(key: string): string {
  return /^[\p{L}\p{N} _$-]{1,100}$/u.test(key) ? key : `<key of ${key.length} characters>`;
}

/** Names the kind of a value without showing it. */
export function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "an array";
  return typeof value;
}

/** Shows a number, and the kind of anything else. */
export function showValue(value: unknown): string {
  return typeof value === "number" ? String(value) : kindOf(value);
}
