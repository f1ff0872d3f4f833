/**
 * The pattern for `like` and `ilike` that matches every text that contains `text`. The wildcards
 * and the escape of patterns stand for themselves in it.
 */
export function containsPattern(text: string): string {
  return `%${text.replace(/[\\%_]/g, "\\$&")}%`;
}
