/**
 * Checks everything that is no test: `deno task check`. Every step runs, whatever failed before it,
 * and what failed is said again at the end.
 */
import { globSync } from "node:fs";
import process from "node:process";
import { isPublished } from "./support/architecture_rules.ts";
import { missingExamples } from "./support/doc_examples.ts";
import { docMistakes } from "./support/doc_lint.ts";
import { runChecked, runCommand } from "./support/run_command.ts";
import { readJson, readSourceFiles } from "./support/source_file.ts";

/** A check: returns what is wrong, as text, or nothing. */
type Check = () => Promise<string>;

const files = readSourceFiles().filter(({ path }) => !path.startsWith("tests/jsr/"));
const paths = files.map(({ path }) => path);
const documents = globSync("*.md");
const exports = Object.values(readJson("deno.json").exports as Record<string, string>);

const CHECKS: Readonly<Record<string, Check>> = {
  "lock file": () => deno("install", "--frozen"),
  "format": () => deno("fmt", "--check"),
  "lint": () => deno("lint", "--ignore=tests/jsr"),
  "types, also of examples in comments": () => deno("check", "--quiet", "--doc", ...paths),
  "types of examples in documents": () => deno("check", "--quiet", "--doc-only", ...documents),
  "architecture": () => deno("test", "-A", "--no-check", "tests/architecture_test.ts"),
  "documentation of what is exported": lintDocumentation,
  "examples of what is exported": async () =>
    missingExamples(await runChecked(process.execPath, ["doc", "--quiet", "--json", ...exports]))
      .join("\n"),
  "publishing": () => deno("publish", "--dry-run", "--allow-dirty"),
};

async function deno(...args: string[]): Promise<string> {
  // Deno colors what it writes into a pipe, too, and then nothing is found in it.
  const { code, output } = await runCommand(process.execPath, args, { env: { NO_COLOR: "1" } });
  return code === 0 ? "" : `${output}\n(ended with ${code})`;
}

async function lintDocumentation(): Promise<string> {
  const published = files.filter(isPublished);
  const declared = published.flatMap((
    { text },
  ) => [...text.matchAll(/^(?:export )?(?:abstract )?(?:class|interface|type) (\w+)/gm)]).map((
    [, name],
  ) => name);
  // Kysely has one of the same name, which the schema means.
  const isOurType = (name: string): boolean => name !== "ColumnType" && declared.includes(name);
  return docMistakes(await deno("doc", "--lint", ...exports), isOurType).join("\n");
}

const failed: string[] = [];
for (const [name, check] of Object.entries(CHECKS)) {
  const startMs = performance.now();
  const mistakes = await check();
  const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
  console.log(`${mistakes === "" ? "ok    " : "FAILED"} ${name} in ${seconds} s`);
  if (mistakes === "") continue;
  failed.push(name);
  console.log(`\n${mistakes.replaceAll(/^/gm, "  ")}\n`);
}
console.log(failed.length === 0 ? "\nEverything is in order" : `\nFailed: ${failed.join("; ")}`);
process.exitCode = failed.length === 0 ? 0 : 1;
