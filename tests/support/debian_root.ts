import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { delimiter, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { runChecked, runCommand } from "./run_command.ts";

/** Programs of Debian, in a folder of their own; the machine itself stays as it is. */
export interface DebianRoot {
  /** A word for people, which begins the folder's name. */
  readonly name: string;
  /** The releases of Debian that have the packages, the preferred one first. */
  readonly suites: readonly string[];
  /** The packages to unpack; what they depend on comes with them. */
  readonly packages: readonly string[];
}

/** How to come to what {@linkcode canInstallDebian} asks for. */
export const DEBIAN_INSTALL_COMMAND = "apt-get install mmdebstrap (only root can use it)";

/** Below the checkout, wherever the suite was started. */
const FOLDER = fileURLToPath(new URL("../../.runtimes/", import.meta.url));

/**
 * Unpacks packages into a folder beside its final name. It runs alone, and only what is complete gets
 * that name. Debian's testing release is signed for some days only, and a mirror can be behind.
 */
const INSTALL = `
target=$1 mirror=$2 packages=$3
shift 3
exec 9>"$target.lock"
flock 9
[ -d "$target" ] && exit
for suite in "$@"; do
  rm -rf --one-file-system "$target.part"
  mmdebstrap --mode=root --variant=extract --format=directory \\
    --hook-dir=/usr/share/mmdebstrap/hooks/maybe-merged-usr \\
    --aptopt='Acquire::Check-Valid-Until "false"' \\
    --aptopt='APT::Install-Recommends "false"' \\
    --include="base-files,$packages" "$suite" "$target.part" "deb $mirror $suite main" || continue
  # No script of a package has run, which would have written these.
  echo root:x:0:0:root:/root:/bin/sh >"$target.part/etc/passwd" &&
    echo root:x:0: >"$target.part/etc/group" &&
    echo 127.0.0.1 localhost >"$target.part/etc/hosts" &&
    mv "$target.part" "$target" && exit
done
rm -rf --one-file-system "$target.part"
exit 1
`;

/** Whether {@linkcode installDebian} can work here, and programs in its folder can be run. */
export function canInstallDebian(): boolean {
  const folders = (process.env.PATH ?? "").split(delimiter);
  const isThere = (name: string): boolean =>
    folders.some((folder) => existsSync(join(folder, name)));
  return process.getuid?.() === 0 && ["mmdebstrap", "flock", "unshare", "chroot"].every(isThere);
}

/** Where the packages are, or will be: another folder for other packages. */
export function debianFolder({ name, suites, packages }: DebianRoot): string {
  const recipe = JSON.stringify([INSTALL, suites, packages]);
  const version = createHash("sha256").update(recipe).digest("hex").slice(0, 8);
  return join(FOLDER, `${name}-${version}`);
}

/**
 * Returns the folder with the packages. It is made once for each checkout and kept in `.runtimes/`;
 * that takes half a minute and the network. Several processes may ask at once. Rejects with what the
 * installer said.
 */
export async function installDebian(root: DebianRoot): Promise<string> {
  const target = debianFolder(root);
  if (existsSync(target)) return target;
  await mkdir(FOLDER, { recursive: true });
  const args = [target, await findMirror(), root.packages.join(","), ...root.suites];
  // Mounts of the installer end with it, even if it is killed.
  const command = ["--mount", "sh", "-c", INSTALL, "sh", ...args];
  const { code, output } = await runCommand("unshare", command);
  if (code === 0) return target;
  throw new Error(`Cannot unpack ${root.packages.join(", ")}: it ended with ${code}\n${output}`);
}

/** The mirror of Debian that this machine uses. */
async function findMirror(): Promise<string> {
  const uris = await runChecked("apt-get", ["indextargets", "--format", "$(REPO_URI)"]);
  return uris.split("\n").find((uri) => /\/debian\/?$/.test(uri)) ?? "http://deb.debian.org/debian";
}
