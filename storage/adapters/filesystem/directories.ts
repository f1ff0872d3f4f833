import { assumedNodeModule } from "../../../core/node_module.ts";
import { hasCode } from "./file_error.ts";

const { lstat, mkdir, open, realpath, rmdir } = assumedNodeModule("node:fs/promises");
const { dirname } = assumedNodeModule("node:path");

/**
 * Tells whether there is a directory at the path, which must be canonical. A path that leads
 * through a symbolic link counts as missing, so that nothing outside of the root is ever reached.
 */
export async function isDirectory(path: string): Promise<boolean> {
  try {
    return await realpath(path) === path && (await lstat(path)).isDirectory();
  } catch (error) {
    if (hasCode(error, "ENOENT", "ENOTDIR", "ELOOP")) return false;
    throw error;
  }
}

/**
 * Creates what is missing of `path` below the existing directory `base`, each made to survive a loss
 * of power. Rejects with `ENOENT` if one of them is removed meanwhile.
 */
export async function ensureDirectory(base: string, path: string): Promise<void> {
  if (path === base || await isDirectory(path)) return;
  const parent = dirname(path);
  await ensureDirectory(base, parent);
  try {
    await mkdir(path, { mode: 0o700 });
  } catch (error) {
    // A concurrent writer may have made it; a link or a foreign file stays an error.
    if (!hasCode(error, "EEXIST") || !(await lstat(path)).isDirectory()) throw error;
  }
  await syncDirectory(parent);
}

/**
 * Makes what was renamed into and removed from a directory survive a loss of power. The directory
 * may be gone with its last object.
 */
export async function syncIfThere(path: string): Promise<void> {
  try {
    await syncDirectory(path);
  } catch (error) {
    if (!hasCode(error, "ENOENT")) throw error;
  }
}

/** Removes the directory if it is empty, and then so its parents, up to but not including `base`. */
export async function removeEmpty(base: string, path: string): Promise<void> {
  try {
    for (let directory = path; directory !== base; directory = dirname(directory)) {
      await rmdir(directory);
    }
  } catch (error) {
    if (!hasCode(error, "ENOTEMPTY", "EEXIST", "ENOENT", "ENOTDIR")) throw error;
  }
}

async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
