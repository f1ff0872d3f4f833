import assert from "node:assert/strict";
import { test, whenPermitted } from "./permitted.ts";

// Loaded late, because what it loads reads the environment.
const surface = await whenPermitted(async () => (await import("./api_surface.ts")).apiSurface());

test("each entry point is listed with its names", () => {
  const [entry, ...lines] = surface.slice(surface.indexOf("./cache/memory\n")).split("\n");
  assert.equal(entry, "./cache/memory");
  assert.equal(
    lines.slice(0, lines.indexOf("")).includes("  MemoryCacheProvider  cache/adapters/memory.ts"),
    true,
  );
});

test("a class is shown without bodies, comments and private members", () => {
  const [, text = ""] = surface.split("# cache/adapters/memory.ts MemoryCacheProvider\n");
  const shown = text.slice(0, text.indexOf("\n}\n"));
  assert.match(shown, /^export declare class MemoryCacheProvider implements /);
  assert.match(shown, /\n {4}get<T>\(key: string, options\?: .*\): Promise<T \| undefined>;\n/);
  assert.doesNotMatch(shown, /#|\/\*|private|return/);
});

test("everything that is listed is declared", () => {
  const declared = new Set(surface.match(/^# .*$/gm)?.map((line) => line.slice(2)));
  const listed = [...surface.matchAll(/^ {2}\S+(?: = (?<original>\S+))? {2}(?<file>\S+\.ts)$/gm)]
    .map(({ 0: line, groups }) =>
      `${groups!.file} ${groups!.original ?? line.trim().split(" ")[0]}`
    );
  assert.deepEqual(listed.filter((place) => !declared.has(place)), []);
  assert.ok(listed.length > 500);
  assert.doesNotMatch(surface, /^# .*\n\n/m);
});
