/** What an array of a bulk statement can hold. */
export type ArrayElement = string | number | boolean | null | undefined;

/**
 * The text of a PostgreSQL array, for a parameter cast like `$1::text::float8[]`: one parameter for
 * a whole column of rows, and the same on every driver. `null` and `undefined` become `NULL`; a
 * negative zero becomes zero. Values are not checked: the server refuses text that contains NUL.
 *
 * An array of arrays, which may differ in length, is an array of such texts, cast where it is read.
 */
export function arrayLiteral(values: readonly ArrayElement[]): string {
  return `{${values.map(element).join()}}`;
}

function element(value: ArrayElement): string {
  if (typeof value === "string") return quoted(value);
  return value === null || value === undefined ? "NULL" : String(value);
}

function quoted(text: string): string {
  if (!text.includes("\\") && !text.includes('"')) return `"${text}"`;
  return `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
}
