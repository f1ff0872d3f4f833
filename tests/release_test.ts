import assert from "node:assert/strict";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { test } from "./support/permitted.ts";
import { type CommandResult, runCommand } from "./support/run_command.ts";
import { skipTest } from "./support/skip.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const FILES = ["deno.json", "package.json", "cli/version.ts", "CHANGELOG.md"];
const CHANGELOG = "# Changelog\n\n## [Unreleased]\n\n### Added\n\n- A thing.\n";

const releaseTest: (name: string, fn: () => Promise<void>) => unknown = "Deno" in globalThis
  ? test
  : (name) => skipTest(name, "releases are made with Deno");

releaseTest("a release has the next version everywhere, and its tag can be published", async () => {
  const folder = await project();
  try {
    const [major, minor] = (await versionIn(folder, "deno.json")).split(".").map(Number);
    const next = `${major}.${minor! + 1}.0`;
    assert.match((await release(folder, "--verify", `v${next}`)).output, /Cannot publish/);

    const { output, code } = await release(folder, "minor");
    assert.match(output, new RegExp(`^Version ${next} is ready`));
    assert.equal(code, 0);
    assert.equal(await versionIn(folder, "deno.json"), next);
    assert.equal(await versionIn(folder, "package.json"), next);
    const program = await readFile(join(folder, "cli/version.ts"), "utf8");
    assert.ok(program.includes(`export const VERSION = "${next}";`));
    assert.deepEqual(await release(folder, "--verify", `v${next}`), {
      output: `v${next} can be published\n`,
      code: 0,
    });
    assert.match((await release(folder, "--notes", `v${next}`)).output, /^### Added/);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

releaseTest("a release without notes changes nothing", async () => {
  const folder = await project();
  try {
    assert.equal((await release(folder, "patch")).code, 0);
    const before = await Promise.all(FILES.map((file) => readFile(join(folder, file), "utf8")));
    const { output, code } = await release(folder, "patch");
    assert.match(output, /nothing under Unreleased/);
    assert.equal(code, 1);
    const after = await Promise.all(FILES.map((file) => readFile(join(folder, file), "utf8")));
    assert.deepEqual(after, before);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

function release(folder: string, ...args: string[]): Promise<CommandResult> {
  const script = join(ROOT, "tests/release.ts");
  const flags = ["run", "--quiet", "-A", "--no-config"];
  return runCommand(process.execPath, [...flags, script, ...args], { cwd: folder });
}

async function versionIn(folder: string, file: string): Promise<string> {
  return JSON.parse(await readFile(join(folder, file), "utf8")).version;
}

async function project(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "exchange-release-test-"));
  for (const file of FILES.slice(0, 3)) await cp(join(ROOT, file), join(folder, file));
  await writeFile(join(folder, "CHANGELOG.md"), CHANGELOG);
  return folder;
}
