import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { test, whenPermitted } from "./support/permitted.ts";

// Loaded late, because what it loads reads the environment.
const surface = await whenPermitted(() => import("./support/api_surface.ts"));

const SNAPSHOT = fileURLToPath(new URL("api_surface.txt", import.meta.url));

test("the public interface is the one that is recorded", () => {
  const recorded = readFileSync(SNAPSHOT, "utf8").split("\n");
  const current = surface.apiSurface().split("\n");
  const gone = without(recorded, current).map((line) => `- ${line}`);
  const added = without(current, recorded).map((line) => `+ ${line}`);
  assert.deepEqual(
    [...gone, ...added],
    [],
    [
      "The public interface changed. What is gone or different breaks users: say so in CHANGELOG.md.",
      "If the change is meant, record it: deno task api",
      ...[...gone, ...added].slice(0, 40),
    ].join("\n"),
  );
  assert.deepEqual(current, recorded, "Record the order of the public interface: deno task api");
});

/** The lines of one text that another does not have as often. */
function without(lines: readonly string[], others: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const line of others) counts.set(line, (counts.get(line) ?? 0) + 1);
  return lines.filter((line) => {
    const left = counts.get(line) ?? 0;
    counts.set(line, left - 1);
    return left <= 0;
  });
}
