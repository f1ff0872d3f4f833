import assert from "node:assert/strict";
import { test } from "node:test";
import { missingExamples } from "./doc_examples.ts";

const EXAMPLE = "What it does.\n\n```ts\nconsole.log(1);\n```";

function documentationOf(
  ...symbols: [name: string, kind: string, docs: readonly string[]][]
): string {
  return JSON.stringify({
    nodes: {
      "file:///mod.ts": {
        symbols: symbols.map(([name, kind, docs]) => ({
          name,
          declarations: docs.map((doc) => ({
            kind,
            declarationKind: "export",
            location: { filename: "file:///a.ts" },
            jsDoc: { doc },
          })),
        })),
      },
    },
  });
}

test("a class or a function without an example is named, once", () => {
  const json = documentationOf(
    ["shown", "function", [EXAMPLE]],
    ["told", "function", ["What it does."]],
    ["Told", "class", ["What it is, not `ts` but text."]],
    ["told", "function", ["What it does."]],
  );
  assert.deepEqual(missingExamples(json), ["file:///a.ts Told", "file:///a.ts told"]);
});

test("types need none, and one signature of several is enough", () => {
  const json = documentationOf(
    ["Shape", "interface", ["What it is."]],
    ["overloaded", "function", ["One way.", EXAMPLE]],
  );
  assert.deepEqual(missingExamples(json), []);
});
