import assert from "node:assert/strict";
import { test } from "node:test";
import { readSnippets } from "./readme_snippets.ts";

test("a snippet has the name of its heading, its text, and the lines that it says it prints", () => {
  const markdown = [
    ...["# Title", "```sh", "npm install", "```", "## Cache", "", "```ts"],
    ...["for (const n of [1, 2]) console.log(n);", "// 1", "// 2", "", "// Not printed.", "```"],
    ...["### Storage", "```ts", "first();", "```", "```ts", "second(); // done", "```", ""],
  ].join("\n");
  assert.deepEqual(readSnippets(markdown).map(({ name, prints }) => [name, prints]), [
    ["Cache, 1", ["1", "2"]],
    ["Storage, 1", []],
    ["Storage, 2", []],
  ]);
  assert.equal(readSnippets(markdown)[1]?.text, "first();\n");
});

test("a document without programs has no snippets", () => {
  assert.deepEqual(readSnippets("# Title\n\n```sh\nls\n```\n"), []);
});
