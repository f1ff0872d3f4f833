import { assumedNodeModule } from "../../../core/node_module.ts";
import type { StorageCall } from "../../call.ts";
import { objectExists } from "../../failures.ts";
import { ensureDirectory, isDirectory, syncIfThere } from "./directories.ts";
import { hasCode } from "./file_error.ts";

const { link, rename, unlink } = assumedNodeModule("node:fs/promises");
const { dirname } = assumedNodeModule("node:path");

/** How often a directory may be removed by others right before a file is placed in it. */
const MAX_PLACE_ATTEMPTS = 100;

/** Where an object file lies. */
export interface ObjectPlace {
  /** The key of the object. */
  readonly key: string;
  /** The directory of the bucket. */
  readonly bucketPath: string;
  /** The file. */
  readonly path: string;
}

/**
 * Makes a written file that of the object, in one step. `createOnly` holds against other processes;
 * whoever needs more holds the lock of the path.
 */
export async function putInPlace(
  call: StorageCall,
  upload: string,
  { bucketPath, path }: ObjectPlace,
  createOnly: boolean,
): Promise<void> {
  for (let attempt = 1;; attempt++) {
    try {
      await ensureDirectory(bucketPath, dirname(path));
      call.commit();
      await (createOnly ? linkNew(call, upload, path) : rename(upload, path));
      break;
    } catch (error) {
      // The last object beside it was deleted, and the directory with it.
      if (!hasCode(error, "ENOENT") || attempt === MAX_PLACE_ATTEMPTS) throw error;
    }
  }
  await syncIfThere(dirname(path));
}

/** Unlike a rename, a link never replaces, whichever process made the file that is there. */
async function linkNew(call: StorageCall, upload: string, path: string): Promise<void> {
  try {
    await link(upload, path);
  } catch (error) {
    throw hasCode(error, "EEXIST") ? objectExists(call.operation) : error;
  }
}

/** Removes the file of an object; resolves with whether there was one. */
export async function removeFile(path: string): Promise<boolean> {
  if (!await isDirectory(dirname(path))) return false;
  try {
    await unlink(path);
    return true;
  } catch (error) {
    if (hasCode(error, "ENOENT")) return false;
    throw error;
  }
}
