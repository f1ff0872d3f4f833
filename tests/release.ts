/** Makes a release ready: `deno task release minor`; `deno task release --help` lists the rest. */
import { readFile, writeFile } from "node:fs/promises";
import process from "node:process";
import { parseArgs } from "node:util";
import { notesOf, releaseUnreleased } from "./support/changelog.ts";
import { runChecked } from "./support/run_command.ts";

/** Where the program has its version. */
const VERSION_FILE = "cli/version.ts";

const USAGE = `Makes a release ready: deno task release [options] [patch | minor | major]

  patch, minor, major  writes the next version into deno.json, package.json, ${VERSION_FILE} and
                       CHANGELOG.md;
                       commit that, tag the commit with the version and push the tag, which publishes it
  --verify v1.2.3      ends with 1 unless that is the version, and the changelog knows it
  --notes v1.2.3       prints what the changelog says about it
`;

async function main(): Promise<string> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      verify: { type: "string" },
      notes: { type: "string" },
      help: { type: "boolean", short: "h" },
    },
  });
  const [increment, ...others] = positionals;
  if (values.help) return USAGE;
  if (values.notes) return `${notesOf(await changelog(), values.notes.replace("v", ""))}\n`;
  if (values.verify) return await verify(values.verify);
  if (increment && /^(patch|minor|major)$/.test(increment) && others.length === 0) {
    return await bump(increment);
  }
  throw new Error(`Cannot make a release of ${positionals.join(" ") || "nothing"}\n\n${USAGE}`);
}

async function verify(tag: string): Promise<string> {
  const version = await currentVersion();
  if (tag !== `v${version}`) throw new Error(`Cannot publish ${tag}: deno.json says ${version}`);
  if (notesOf(await changelog(), version) === "") {
    throw new Error(`Cannot publish ${tag}: CHANGELOG.md says nothing about it`);
  }
  return `${tag} can be published\n`;
}

async function bump(increment: string): Promise<string> {
  // Refuses before any file is changed.
  releaseUnreleased(await changelog(), "0.0.0-check", "");
  for (const file of ["deno.json", "package.json"]) {
    await runChecked(process.execPath, ["bump-version", increment, "--config", file]);
  }
  const version = await currentVersion();
  const code = await readFile(VERSION_FILE, "utf8");
  await writeFile(VERSION_FILE, code.replace(/"[^"]+";/, `"${version}";`));
  const day = new Date().toISOString().slice(0, 10);
  await writeFile("CHANGELOG.md", releaseUnreleased(await changelog(), version, day));
  return `Version ${version} is ready: git commit --all, git tag v${version}, git push origin v${version}\n`;
}

async function currentVersion(): Promise<string> {
  return JSON.parse(await readFile("deno.json", "utf8")).version;
}

function changelog(): Promise<string> {
  return readFile("CHANGELOG.md", "utf8");
}

try {
  process.stdout.write(await main());
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
}
