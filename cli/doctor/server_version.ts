/** Whether a version such as `15.14` or `7.0.15-rc1` is `minimum`, such as `7.2`, or later. */
export function isAtLeast(version: string, minimum: string): boolean {
  const [found, wanted] = [version, minimum].map(numbers) as [number[], number[]];
  for (const [index, least] of wanted.entries()) {
    const number = found[index] ?? 0;
    if (number !== least) return number > least;
  }
  return true;
}

function numbers(version: string): number[] {
  return (/^\d+(\.\d+)*/.exec(version)?.[0] ?? "").split(".").map(Number);
}
