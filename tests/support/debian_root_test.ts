import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { BUSYBOX } from "./busybox.ts";
import { debianFolder, type DebianRoot, installDebian } from "./debian_root.ts";
import { privateServerTest } from "./services.ts";

const needsInstaller = privateServerTest("s3");

/** What the machine itself has installed. */
const INSTALLED = "/var/lib/dpkg/status";

needsInstaller(
  "packages are unpacked once, whoever asks, and the machine has none more",
  async () => {
    const suites = ["no-such-release", ...BUSYBOX.suites];
    await withRoot({ ...BUSYBOX, suites }, async (root, folder) => {
      const before = await readFile(INSTALLED, "utf8");
      // As if somebody had been killed who unpacked them.
      await mkdir(join(`${folder}.part`, "left"), { recursive: true });
      const folders = await Promise.all([installDebian(root), installDebian(root)]);
      assert.deepEqual(folders, [folder, folder]);
      assert.ok(existsSync(join(folder, "bin", "busybox")));
      assert.ok(!existsSync(join(folder, "left")));
      assert.ok(!existsSync(`${folder}.part`));
      await writeFile(join(folder, "ours"), "");
      assert.equal(await installDebian(root), folder);
      assert.ok(existsSync(join(folder, "ours")));
      assert.equal(await readFile(INSTALLED, "utf8"), before);
    });
  },
);

needsInstaller("what no release has is an error that says why, and leaves no folder", async () => {
  await withRoot({ ...BUSYBOX, suites: ["no-such-release"] }, async (root, folder) => {
    await assert.rejects(
      installDebian(root),
      /^Error: Cannot unpack busybox-static: [^]*no-such-release/,
    );
    assert.ok(!existsSync(folder));
    assert.ok(!existsSync(`${folder}.part`));
  });
});

test("other packages have another folder", () => {
  assert.notEqual(debianFolder(BUSYBOX), debianFolder({ ...BUSYBOX, packages: ["hello"] }));
  assert.notEqual(debianFolder(BUSYBOX), debianFolder({ ...BUSYBOX, suites: ["forky"] }));
});

/** Has a folder of its own, which is deleted in the end. */
async function withRoot(
  about: DebianRoot,
  use: (root: DebianRoot, folder: string) => Promise<void>,
): Promise<void> {
  const root = { ...about, name: `test-${crypto.randomUUID().slice(0, 8)}` };
  const folder = debianFolder(root);
  try {
    await use(root, folder);
  } finally {
    for (const path of [folder, `${folder}.part`, `${folder}.lock`]) {
      await rm(path, { recursive: true, force: true });
    }
  }
}
