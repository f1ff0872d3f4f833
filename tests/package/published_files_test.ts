import assert from "node:assert/strict";
import { test } from "node:test";
import { JsrRegistry } from "../support/jsr_registry.ts";
import { onDenoOnly } from "../support/on_deno.ts";
import { whenPermitted } from "../support/permitted.ts";

// Loaded late, because what it loads reads the environment.
const rules = await whenPermitted(() => import("../support/architecture_rules.ts"));
const source = await whenPermitted(() => import("../support/source_file.ts"));

const DOCUMENTS = ["ARCHITECTURE.md", "CHANGELOG.md", "LICENSE", "README.md", "deno.json"];

await onDenoOnly("what is published", () => {
  test("published are the library, the conformance suites and documents, and nothing else", async () => {
    await using registry = await JsrRegistry.start();
    await registry.publish();
    const sources = source.readSourceFiles().map(({ path }) => path)
      .filter((path) => rules.isPublished({ path }) || path.startsWith("cli/"));
    const expected = [...sources, ...DOCUMENTS].map((path) => `/${path}`).sort();
    assert.deepEqual(registry.paths(), expected);
  });
});
