import { readFileSync } from "node:fs";
import { entryPoints } from "./package_tests.ts";
import { readSnippets } from "./readme_snippets.ts";
import type { UserProject } from "./user_project.ts";

/** Writes programs into the folder `source` of a project that use the types of all entry points. */
export async function writeTypedSources(project: UserProject): Promise<void> {
  const exports = entryPoints().map((entry, i) => `export * as entry${i} from "${entry}";\n`);
  await project.write("source/entries.ts", exports.join(""));
  const readme = readFileSync(new URL("../../README.md", import.meta.url), "utf8");
  for (const [i, { text }] of readSnippets(readme).entries()) {
    // The one that serves requests uses an API of Deno, whose types npm does not have.
    if (!text.includes("Deno.")) await project.write(`source/snippet_${i}.ts`, text);
  }
}
