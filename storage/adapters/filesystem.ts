import { type Clock, systemClock } from "../../core/clock.ts";
import { refuseEdge } from "../../core/edge.ts";
import { checkText } from "../../core/validation.ts";
import { PortableStorageProvider } from "../portable.ts";
import { handlePresigned } from "../presigned/presigned_handler.ts";
import { type PresignSettings, UrlSigner } from "../presigned/url_signer.ts";
import { FileSystemDriver } from "./filesystem/filesystem_driver.ts";

export type { PresignSettings } from "../presigned/url_signer.ts";

/** At the edge there is no disk. */
export function refuseEdgeFiles(): void {
  refuseEdge("a file system", "its files are in memory and soon gone", "use storage/s3");
}

/** Where a {@linkcode FileSystemStorageProvider} keeps its objects. */
export interface FileSystemStorageOptions {
  /**
   * The directory, created with mode 0700 when it is first needed. It should belong to the
   * provider alone: foreign files and symbolic links in it are ignored or refused, never followed.
   */
  readonly root: string;
  /**
   * Makes presigned URLs and forms, which {@linkcode FileSystemStorageProvider.handlePresigned} serves.
   * Default: the storage does not support them.
   */
  readonly presign?: PresignSettings;
  /** The source of `lastModified`, of deadlines and of expiry. Default: the clock of the machine. */
  readonly clock?: Clock;
}

/**
 * Object storage in a directory of a POSIX file system. Supports everything; presigned URLs and
 * forms if the option `presign` is given and `handlePresigned` is mounted in a server.
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
 *
 * ```ts
 * import { FileSystemStorageProvider } from "@benchmark-exchange/infrastructure/storage/filesystem";
 *
 * const storage = new FileSystemStorageProvider({ root: "./data/storage" });
 * await storage.createBucket("results");
 * await storage.upload("results", "a.json", "[1, 2]");
 * console.log((await storage.getMetadata("results", "a.json")).size); // 6
 * await storage.close();
 * ```
 */
export class FileSystemStorageProvider extends PortableStorageProvider {
  readonly #signer: UrlSigner | undefined;

  /** Creates the provider; touches no file yet. */
  constructor(options: FileSystemStorageOptions) {
    refuseEdgeFiles();
    const { root, presign, clock = systemClock } = options;
    const signer = presign && new UrlSigner(presign, clock);
    super(new FileSystemDriver(checkText("root", root), clock, signer), clock);
    this.#signer = signer;
  }

  /**
   * Answers a request for a presigned URL or form of any provider with the same root and the same
   * `presign`. To be mounted where `baseUrl` leads, with the whole path left in the URL of the request.
   *
   * A GET has conditions and ranges (RFC 9110); a PUT can have `If-None-Match: *` or `If-Match`. Bodies
   * are streamed, but a form is in memory while it is read. A PUT can be of any size, a form cannot.
   * What browsers show runs no scripts; to be safe from all that an upload can be, let `baseUrl` have
   * a host of its own. Pages of another origin need CORS headers, which the server has to add.
   *
   * Never rejects. What is refused is answered in a line of text: 403 if it is not signed for, or has
   * expired; 404 outside `baseUrl` and if there is no such object; 400, 412, 413 and 416 as HTTP has
   * them; 500 and 503 if the storage fails.
   */
  async handlePresigned(request: Request): Promise<Response> {
    if (!this.#signer) return new Response(null, { status: 404 });
    return await handlePresigned(this, this.#signer, request);
  }
}
