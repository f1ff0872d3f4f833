import type { Clock } from "../../../core/clock.ts";
import { assumedNodeModule } from "../../../core/node_module.ts";
import { hasCode } from "./file_error.ts";

const { lstat, mkdir, readdir, realpath, rm } = assumedNodeModule("node:fs/promises");
const { join, resolve } = assumedNodeModule("node:path");

/** No bucket can have this name. */
const UPLOADS = ".uploads";
const LEFTOVER_AGE_MS = 86_400_000;

/** The directory of a provider, opened when it is first needed. */
export class Root {
  readonly #configured: string;
  readonly #clock: Clock;
  #opening: Promise<string> | undefined;

  /** Remembers the path; touches no file yet. */
  constructor(path: string, clock: Clock) {
    this.#configured = resolve(path);
    this.#clock = clock;
  }

  /** The canonical path of the directory, which exists. A failure is not remembered. */
  path(): Promise<string> {
    this.#opening ??= this.#open().catch((error) => {
      this.#opening = undefined;
      throw error;
    });
    return this.#opening;
  }

  /** Runs `write` with a new path on the same file system, and removes what is there afterwards. */
  async withUploadFile<T>(write: (path: string) => Promise<T>): Promise<T> {
    const path = join(await this.path(), UPLOADS, crypto.randomUUID());
    try {
      return await write(path);
    } finally {
      await rm(path, { force: true });
    }
  }

  async #open(): Promise<string> {
    await mkdir(this.#configured, { recursive: true, mode: 0o700 });
    const path = await realpath(this.#configured);
    await mkdir(join(path, UPLOADS), { recursive: true, mode: 0o700 });
    await this.#removeLeftovers(join(path, UPLOADS));
    return path;
  }

  /** Removes what processes that died left behind; uploads that still run write more often. */
  async #removeLeftovers(uploads: string): Promise<void> {
    const latestMs = this.#clock.now() - LEFTOVER_AGE_MS;
    for (const name of await readdir(uploads)) {
      const path = join(uploads, name);
      try {
        if ((await lstat(path)).mtimeMs < latestMs) await rm(path);
      } catch (error) {
        // Its upload has ended meanwhile.
        if (!hasCode(error, "ENOENT")) throw error;
      }
    }
  }
}
