/**
 * Checks everything that is no test: `deno task check`. Every step runs, whatever failed before it,
 * and what failed is said again at the end.
 */
import { globSync } from "node:fs";
import process from "node:process";
import { runCommand } from "./support/run_command.ts";
import { readJson } from "./support/source_file.ts";

const exports = Object.values(readJson("deno.json").exports as Record<string, string>);
const sources = globSync("**/*.ts", { exclude: ["node_modules/**", "tests/jsr/**"] });
const documents = globSync("*.md");

/** What is checked, and the arguments with which Deno checks it. */
const STEPS: Readonly<Record<string, readonly string[]>> = {
  "lock file": ["install", "--frozen"],
  "format": ["fmt", "--check"],
  "lint": ["lint", "--ignore=tests/jsr"],
  "types, also of examples in comments": ["check", "--doc", ...sources],
  "types of examples in documents": ["check", "--doc-only", ...documents],
  "architecture": ["test", "-A", "--no-check", "tests/architecture_test.ts"],
  "documentation of what is exported": ["doc", "--lint", "--no-npm", ...exports],
  "publishing": ["publish", "--dry-run", "--allow-dirty"],
};

const failed: string[] = [];
for (const [name, args] of Object.entries(STEPS)) {
  const startMs = performance.now();
  const { code, output } = await runCommand(process.execPath, args);
  const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
  console.log(`${code === 0 ? "ok    " : "FAILED"} ${name} in ${seconds} s`);
  if (code === 0) continue;
  failed.push(name);
  console.log(`\n${output.replaceAll(/^/gm, "  ")}`);
}
console.log(failed.length === 0 ? "\nEverything is in order" : `\nFailed: ${failed.join("; ")}`);
process.exitCode = failed.length === 0 ? 0 : 1;
