import { type Clock, systemClock } from "../../core/clock.ts";
import { checkText } from "../../core/validation.ts";
import { PortableStorageProvider } from "../portable.ts";
import { FileSystemDriver } from "./filesystem/filesystem_driver.ts";

/** Where a {@linkcode FileSystemStorageProvider} keeps its objects. */
export interface FileSystemStorageOptions {
  /**
   * The directory, created with mode 0700 when it is first needed. It should belong to the
   * provider alone: foreign files and symbolic links in it are ignored or refused, never followed.
   */
  readonly root: string;
  /** The source of `lastModified` and of deadlines. Default: the clock of the machine. */
  readonly clock?: Clock;
}

/**
 * Object storage in a directory of a POSIX file system. Supports everything but presigned URLs.
 *
 * An object is one file, written beside, flushed to the disk and then renamed, so a crash at any
 * moment leaves the old object or the new one; an acknowledged write survives a loss of power.
 * Files have mode 0600, directories 0700. What uploads of a dead process left behind is never
 * visible; it is removed when a provider first uses a root a day later.
 *
 * Several processes, and several providers, can use one root: each write stays atomic and
 * `createOnly` holds between them. `ifMatch` holds only among the callers of one provider.
 *
 * Needs a file system with hard links for `createOnly`, and about 3,200 bytes of path below the root
 * for the longest keys. On Deno it needs `--allow-read` and `--allow-write` for the root.
 */
export class FileSystemStorageProvider extends PortableStorageProvider {
  /** Creates the provider; touches no file yet. */
  constructor(options: FileSystemStorageOptions) {
    const { root, clock = systemClock } = options;
    super(new FileSystemDriver(checkText("root", root), clock), clock);
  }
}
