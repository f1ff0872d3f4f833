import { copyFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { runChecked } from "./run_command.ts";

/** What `deno pack` tells npm about the package, as far as it is read here. */
interface PackageManifest {
  readonly exports: Readonly<Record<string, { readonly default: string }>>;
}

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** What the command line is called. */
export const COMMAND = "benchmark-exchange";

/** `deno pack` takes names and versions from deno.json, and nothing else that npm shows. */
const DETAILS = {
  description: "The infrastructure layer of an LLM benchmark exchange",
  engines: { node: ">=22" },
};

/**
 * Makes the tarball for npm in a folder and returns its path. Deno turns the TypeScript into JavaScript
 * and declarations, npm packs them together with what Deno cannot say about them. Runs on Deno only.
 */
export async function packPackage(folder: string, options: readonly string[]): Promise<string> {
  const work = await mkdtemp(join(tmpdir(), "exchange-pack-"));
  try {
    const packed = join(work, "packed.tgz");
    // Source maps would name the folders of the machine that made them.
    const args = ["pack", "--no-source-maps", "--output", packed, ...options];
    await runChecked(process.execPath, args, { cwd: ROOT });
    await runChecked("tar", ["-xzf", packed, "-C", work]);
    await completeManifest(join(work, "package", "package.json"));
    const made = await runChecked("npm", ["pack", "./package", "--silent"], { cwd: work });
    const name = made.trim();
    await copyFile(join(work, name), join(folder, name));
    return join(folder, name);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function completeManifest(path: string): Promise<void> {
  const manifest: PackageManifest = JSON.parse(await readFile(path, "utf8"));
  const cli = manifest.exports["./cli"];
  // npm would strip the dot, and say so.
  const bin = cli && { bin: { [COMMAND]: cli.default.replace("./", "") } };
  await writeFile(path, `${JSON.stringify({ ...manifest, ...DETAILS, ...bin }, null, 2)}\n`);
}
