/** What both of our clients get for a `timestamptz` of the years 1 to 9999; its minutes may be missing. */
const COMMON = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?[+-]\d\d(:\d\d)?$/;

/**
 * Reads the text of a `timestamptz`, such as `2026-11-22 22:27:00.123456+00`, cut to milliseconds. What
 * a date in ISO 8601 cannot say (infinity, years before 1 and after 9999, offsets with seconds) becomes
 * an invalid date.
 */
export function parseTimestamp(text: string): Date {
  const match = COMMON.exec(text);
  return match
    ? new Date(`${text.replace(" ", "T")}${match[1] === undefined ? ":00" : ""}`)
    : new Date(NaN);
}
