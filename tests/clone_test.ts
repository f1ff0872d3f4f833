import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { test } from "./support/permitted.ts";
import { runCommand } from "./support/run_command.ts";

const CLONE = fileURLToPath(new URL("..", import.meta.url));

const PROGRAM = `
import { Infrastructure } from "@benchmark-exchange/infrastructure";
import { CacheKey } from "@benchmark-exchange/infrastructure/cache";
const exchange = await Infrastructure.embedded();
await exchange.cache.set(CacheKey.user("1"), "ada");
console.log(await exchange.cache.get("user:1"), (await exchange.health()).healthy);
await exchange.close();
`;

test("a project beside a clone uses the package as the README says", async () => {
  const project = await mkdtemp(join(tmpdir(), "exchange-clone-test-"));
  try {
    await writeFile(join(project, "program.ts"), PROGRAM);
    if ("Deno" in globalThis) await linkOnDeno(project);
    else await linkLikeNpm(project);
    // Quiet, because with an empty cache Deno says what it downloads.
    const args = "Deno" in globalThis ? ["run", "--quiet", "-A", "program.ts"] : ["program.ts"];
    const { code, output } = await runCommand(process.execPath, args, { cwd: project });
    assert.equal(output, "ada true\n");
    assert.equal(code, 0);
  } finally {
    await rm(project, { recursive: true, force: true });
  }
});

async function linkOnDeno(project: string): Promise<void> {
  await writeFile(join(project, "deno.json"), JSON.stringify({ links: [CLONE] }));
}

/** What `npm install <folder>` does, without a registry. */
async function linkLikeNpm(project: string): Promise<void> {
  await writeFile(join(project, "package.json"), JSON.stringify({ type: "module" }));
  const scope = join(project, "node_modules", "@benchmark-exchange");
  await mkdir(scope, { recursive: true });
  await symlink(CLONE, join(scope, "infrastructure"));
}
