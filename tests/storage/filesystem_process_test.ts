import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { FileSystemStorageProvider } from "../../storage/adapters/filesystem.ts";
import { sha256Hex } from "../../storage/digest.ts";
import { downloadVerified } from "../../storage/verified.ts";
import { after, test, whenPermitted } from "../support/permitted.ts";

const directory = await whenPermitted(
  async () => await realpath(await mkdtemp(join(tmpdir(), "storage-"))),
  "skipped",
);
after(() => rm(directory, { recursive: true }));

const ROUNDS = 20;
const isDeno = "Deno" in globalThis;

function start(script: string, args: readonly string[], permissions = ["-A"]): ChildProcess {
  const file = fileURLToPath(new URL(`../support/${script}`, import.meta.url));
  const flags = isDeno ? ["run", "--no-check", "--no-prompt", ...permissions] : [];
  const stdio = ["ignore", "pipe", "inherit"] as const;
  return spawn(process.execPath, [...flags, file, ...args], { stdio: [...stdio] });
}

async function linesOf(
  child: ChildProcess,
  onLine: (count: number) => void = () => {},
): Promise<string[]> {
  const lines: string[] = [];
  assert.ok(child.stdout);
  for await (const line of createInterface(child.stdout)) {
    lines.push(line);
    onLine(lines.length);
  }
  return lines;
}

/** Which digests each key can have: that of the last acknowledged write, and of those begun since. */
function note(possible: Map<string, Set<string>>, lines: readonly string[]): void {
  for (const line of lines) {
    const [what, key, sha256] = line.split(" ") as [string, string, string | undefined];
    if (sha256?.length !== 64) continue;
    if (what === "done") possible.set(key, new Set([sha256]));
    else possible.set(key, (possible.get(key) ?? new Set(["missing"])).add(sha256));
  }
}

test("a process that is killed while it writes loses nothing that was acknowledged", async () => {
  const storage = new FileSystemStorageProvider({ root: directory });
  await storage.createBucket("bucket");
  const possible = new Map<string, Set<string>>();
  for (let round = 0; round < ROUNDS; round++) {
    const child = start("storage_writer.ts", [directory, `${round}`]);
    const fatalLine = 5 + (round * 37) % 60;
    const lines = await linesOf(child, (count) => {
      // A line is the end of a step, so a few milliseconds on it is in the middle of another one.
      if (count === fatalLine) setTimeout(() => child.kill("SIGKILL"), round % 10);
    });
    assert.ok(lines.length >= fatalLine, "the writer ended by itself");
    note(possible, lines);
  }
  const listed = new Set<string>();
  for await (const { key } of storage.iterateObjects("bucket")) listed.add(key);
  for (const [key, digests] of possible) {
    if (!listed.has(key)) {
      assert.ok(digests.has("missing"), `${key} was acknowledged and is gone`);
      continue;
    }
    const sha256 = sha256Hex(await downloadVerified(storage, "bucket", key));
    assert.ok(digests.has(sha256), `${key} is not at a version that it can have`);
    listed.delete(key);
  }
  assert.deepEqual([...listed], []);
});

test("createOnly holds between processes", async () => {
  const root = join(directory, "create-only");
  await new FileSystemStorageProvider({ root }).createBucket("bucket");
  const outputs = await Promise.all([1, 2, 3].map(async () => {
    return (await linesOf(start("storage_creator.ts", [root, "40"]))).join("");
  }));
  const created = outputs.flatMap((output) => JSON.parse(output) as string[]);
  assert.equal(created.length, 40);
  assert.equal(new Set(created).size, 40);
});

test("on Deno, access to the root is all that it needs", { skip: !isDeno }, async () => {
  const root = join(directory, "least-privilege");
  await new FileSystemStorageProvider({ root }).createBucket("bucket");
  const permissions = [`--allow-read=${root}`, `--allow-write=${root}`];
  const output = await linesOf(start("storage_creator.ts", [root, "3"], permissions));
  assert.deepEqual(JSON.parse(output.join("")), ["a/0", "a/1", "a/2"]);
});
