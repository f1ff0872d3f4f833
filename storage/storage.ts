import type { CallOptions } from "../core/call_options.ts";
import type { InfrastructureError } from "../core/errors.ts";
import type { Page } from "../core/page.ts";

/**
 * What can be uploaded. A string is stored as UTF-8. Bytes are copied before the call returns, so
 * they may be changed while the upload is under way; for what is too large to be in memory twice there
 * are `Blob` and stream. A stream belongs to the provider from the call on: it is read to its end, or
 * cancelled. Its chunks are not copied and must not be changed until the upload settles.
 */
export type StorageBody = string | Uint8Array | Blob | ReadableStream<Uint8Array>;

/**
 * Names and values that a user attaches to an object. Because servers carry them in HTTP headers,
 * names are 1 to 128 of `a-z 0-9 . _ -` and begin with a letter or a digit; values are printable
 * ASCII, not empty, without a space at either end; all together are at most 1,984 bytes. `exchange-write` is reserved.
 */
export type UserMetadata = Readonly<Record<string, string>>;

/** A part of an object: `length` bytes from `offset` on; without `length`, up to the end. */
export interface ByteRange {
  /** The first byte, counted from 0. */
  readonly offset: number;
  /** How many bytes, at least 1. What lies beyond the end of the object is left out. */
  readonly length?: number;
}

/** What a listing says about an object. */
export interface ObjectSummary {
  /** The key within the bucket. */
  readonly key: string;
  /** The size in bytes. */
  readonly size: number;
  /**
   * Names this version of the object; every upload gives another one, except that a server may
   * give the same one to the same bytes. Opaque: not a digest, only to be compared.
   */
  readonly etag: string;
  /** When this version was written, exact at least to the second. */
  readonly lastModified: Date;
}

/** Everything about an object but its bytes. */
export interface ObjectMetadata extends ObjectSummary {
  /** The media type, such as `application/json`. */
  readonly contentType: string;
  /** What the uploader attached. */
  readonly metadata: UserMetadata;
}

/** An object that is being read: the bytes and the metadata are of the same version. */
export interface ObjectStream {
  /** About the whole object, also when only a range of it is read. */
  readonly metadata: ObjectMetadata;
  /**
   * The bytes, read no faster than they are asked for. Read it to its end or cancel it: until
   * then it holds a file or a connection open.
   */
  readonly body: ReadableStream<Uint8Array<ArrayBuffer>>;
}

/** What an upload or a copy has written. */
export interface WrittenObject {
  /** The etag of the new version. */
  readonly etag: string;
  /** The size in bytes. */
  readonly size: number;
}

/** How to upload. The default deadline is 10 minutes, for the whole body. */
export interface UploadOptions extends CallOptions {
  /** The media type. Default: that of a `Blob` that has one, otherwise `application/octet-stream`. */
  readonly contentType?: string;
  /**
   * What to attach. A function is called once, after the last byte of the body was read and
   * before the object can be seen, for what only reading can tell, such as a digest.
   */
  readonly metadata?: UserMetadata | (() => UserMetadata);
  /** The size of the body in bytes, if it is known; a body of another size is refused. */
  readonly size?: number;
  /**
   * Hears how many bytes of the body are stored so far: growing, and in the end the size. What it
   * throws is ignored: an upload does not fail because a display does.
   */
  readonly onProgress?: (storedBytes: number) => void;
  /** Writes only if the key does not exist yet (HTTP `If-None-Match: *`). Default: `false`. */
  readonly createOnly?: boolean;
  /** Writes only over the version with this etag (HTTP `If-Match`). */
  readonly ifMatch?: string;
}

/** How to download. The default deadline is 10 minutes for `download`, 30 seconds to open a stream. */
export interface DownloadOptions extends CallOptions {
  /** Which part. Default: the whole object. */
  readonly range?: ByteRange;
  /** Reads only the version with this etag. */
  readonly ifMatch?: string;
}

/** What to iterate over. */
export interface IterateOptions extends CallOptions {
  /** Only keys that begin with this, compared byte by byte; need not end at a `/`. Default: all. */
  readonly prefix?: string;
  /**
   * Folds the keys that have a further `/` after the prefix into one common prefix, as a
   * directory listing does. Default: no folding.
   */
  readonly delimiter?: "/";
}

/** What to list. */
export interface ListOptions extends IterateOptions {
  /** At most so many objects and common prefixes: 1 to 1,000. Default: 1,000. */
  readonly limit?: number;
  /** `nextCursor` of the page before, listed with the same prefix and delimiter. */
  readonly cursor?: string;
}

/** One page of a listing. */
export interface ObjectPage extends Page<ObjectSummary> {
  /** The common prefixes, each with its final `/`; empty unless a delimiter was given. */
  readonly prefixes: readonly string[];
}

/** What happened to one key of a batch. */
export type DeleteResult =
  | { readonly key: string; readonly deleted: true }
  | { readonly key: string; readonly deleted: false; readonly error: InfrastructureError };

/** What a presigned URL allows. */
export interface PresignOptions extends CallOptions {
  /** How long the URL works: 1,000 (a second) to 604,800,000 (7 days). Default: 900,000. */
  readonly expiresInMs?: number;
  /** Whether the URL reads or writes the object. Default: `GET`. */
  readonly method?: "GET" | "PUT";
  /** The media type that the request must send; only for `PUT`. */
  readonly contentType?: string;
}

/** What a presigned form allows. */
export interface PresignPostOptions extends CallOptions {
  /** How long the form works: 1,000 (a second) to 604,800,000 (7 days). Default: 900,000. */
  readonly expiresInMs?: number;
  /** The media type that the form must have. Default: `application/octet-stream`. */
  readonly contentType?: string;
  /** The fewest bytes that the file may have. Default: 0. */
  readonly minBytes?: number;
  /** The most bytes that the file may have: up to 5,368,709,120 (5 GiB), and not below `minBytes`. */
  readonly maxBytes: number;
}

/**
 * A form that uploads one object: send it to `url` with method POST as `multipart/form-data`, all
 * `fields` first and then the file as the field `file`.
 */
export interface PresignedPost {
  /** Where to send the form. */
  readonly url: string;
  /** The fields of the form besides the file. */
  readonly fields: Readonly<Record<string, string>>;
}

/** What a provider can do; what it cannot do is refused with code `unsupported`, never ignored. */
export interface StorageCapabilities {
  /** `createOnly` holds, also between processes. */
  readonly createOnly: boolean;
  /** `ifMatch` of an upload holds against every writer that uses the same provider. */
  readonly ifMatch: boolean;
  /** `getPresignedUrl` works. */
  readonly presignedUrls: boolean;
  /** `getPresignedPost` works. */
  readonly presignedPosts: boolean;
}

/**
 * Object storage: bytes with metadata under a key in a bucket. This is the specification that
 * every adapter keeps; `storageConformance` of `./testing` has a test for each sentence of a list.
 *
 * Names
 * - A bucket has 3 to 63 lower-case letters, digits, dots and hyphens, as on Amazon S3.
 * - A key that an adapter could not keep unchanged is refused: empty, above 1,024 bytes of UTF-8,
 *   with control characters, lone surrogates, or segments that are empty, `.` or `..`,
 *   and those that begin with `.exchange/`.
 * - Keys are compared byte by byte: case and Unicode normalization count, and `a` can stand beside `a/b`.
 * - Bad input is refused with a `ValidationError` that names the field, before anything changes.
 *
 * Writing
 * - An upload replaces the object, its content type and its metadata at once.
 * - Readers see the old object or the new one, never a part of either.
 * - A body that fails, is aborted, or has another size than declared leaves no object, and the old one stays.
 * - What a caller changes after the call, bytes or options, is not seen, also while the upload is under way.
 * - Of uploads to one key at the same time, one wins as a whole.
 * - Progress tells the bytes that are stored so far: growing, and the size in the end.
 * - With `createOnly`, exactly one of several uploads succeeds; the others reject with code `already_exists`.
 * - With `ifMatch`, exactly one of several uploads over a version succeeds; the others reject with
 *   code `conflict`, as does an upload over a missing object.
 * - A copy keeps content type and metadata; a copy onto itself changes no bytes.
 * - Deleting a missing key succeeds.
 * - A batch of any size gives one result for each key, in the order of the keys, repeated ones too.
 *
 * Reading
 * - Reading a missing object rejects with a `NotFoundError`; `exists` tells `false`.
 * - A stream reads the version that it was opened on, also when that is replaced or deleted meanwhile.
 * - A stream can be left early by cancelling it.
 * - A range beyond the end is cut at the end; one that begins there is refused with a `ValidationError`.
 * - With `ifMatch`, reading another version rejects with code `conflict`.
 *
 * Listing
 * - Keys come in the order of their UTF-8 bytes, each once, page after page.
 * - An object that exists all through a listing is in it; one that comes or goes meanwhile may be.
 * - A delimiter folds what lies deeper into common prefixes.
 * - Iterating with a delimiter gives the objects directly below the prefix.
 * - A page can be shorter than its limit, and even empty, though more follow; only a missing `nextCursor` ends a listing.
 *
 * Presigning
 * - A presigned URL reads or writes its object until it expires, without further credentials.
 * - It works for no other method, key, bucket or content type.
 * - A presigned form uploads a file of its type and within its sizes, and refuses any other.
 *
 * Damage
 * - Reading an object that is found damaged rejects with an `IntegrityError` and its `key`, `exists` too.
 * - A listing that finds an object damaged rejects with an `IntegrityError` and its `key`, for to leave
 *   it out would say that it is gone.
 * - Uploading anew and deleting repair what is damaged; everything else can be read all the while.
 *
 * Buckets
 * - Writing, deleting, listing and copying in a missing bucket reject with a `NotFoundError`.
 * - Creating a bucket that exists already changes nothing.
 *
 * Calls
 * - A call with an aborted signal rejects with code `aborted` and does nothing.
 * - A call settles by its deadline (by default 30 seconds) with code `timeout`.
 * - An aborted signal ends a stream that was opened with it, with code `aborted`.
 * - After `close`, every call rejects with code `closed`; closing again is fine.
 *
 * Not promised: any order between writers of different keys; that a listing is a snapshot; versions
 * other than the last; that changed bytes are noticed, for which there is `downloadVerified`; that
 * calls still running at `close` succeed. An interrupted write says in `outcome` whether it can have
 * happened.
 */
export interface StorageProvider extends AsyncDisposable {
  /** What this provider can do. */
  readonly capabilities: StorageCapabilities;

  /** Writes an object. */
  upload(
    bucket: string,
    key: string,
    data: StorageBody,
    options?: UploadOptions,
  ): Promise<WrittenObject>;

  /** Reads an object, or a range of it, into memory. */
  download(
    bucket: string,
    key: string,
    options?: DownloadOptions,
  ): Promise<Uint8Array<ArrayBuffer>>;

  /**
   * Opens an object, or a range of it, as a stream. A stream whose bytes end too early fails with
   * an `IntegrityError` or code `unavailable`; it never ends as if it were complete.
   */
  downloadStream(bucket: string, key: string, options?: DownloadOptions): Promise<ObjectStream>;

  /** Deletes an object. */
  delete(bucket: string, key: string, options?: CallOptions): Promise<void>;

  /**
   * Deletes many objects. The default deadline is 10 minutes. Rejects only if nothing could be tried, or when the waiting was
   * interrupted; what fails for one key is in its result.
   */
  deleteBatch(
    bucket: string,
    keys: readonly string[],
    options?: CallOptions,
  ): Promise<readonly DeleteResult[]>;

  /** Tells whether there is an object; `false` also when there is no such bucket. */
  exists(bucket: string, key: string, options?: CallOptions): Promise<boolean>;

  /** Reads everything about an object but its bytes. */
  getMetadata(bucket: string, key: string, options?: CallOptions): Promise<ObjectMetadata>;

  /** Lists one page of a bucket. */
  listObjects(bucket: string, options?: ListOptions): Promise<ObjectPage>;

  /** Lists a bucket, page by page as the caller goes on; the deadline holds for each page. */
  iterateObjects(bucket: string, options?: IterateOptions): AsyncIterableIterator<ObjectSummary>;

  /** Copies one version of an object, whole. The default deadline is 10 minutes. */
  copy(
    sourceBucket: string,
    sourceKey: string,
    destinationBucket: string,
    destinationKey: string,
    options?: CallOptions,
  ): Promise<WrittenObject>;

  /**
   * Makes a URL that reads or writes the object without further credentials until it expires.
   * Whether the object exists is not checked.
   */
  getPresignedUrl(bucket: string, key: string, options?: PresignOptions): Promise<string>;

  /**
   * Makes a form that uploads the object without further credentials until it expires, for those who
   * may upload only a certain type and size. An object of that key is replaced.
   */
  getPresignedPost(
    bucket: string,
    key: string,
    options: PresignPostOptions,
  ): Promise<PresignedPost>;

  /** Creates a bucket. */
  createBucket(bucket: string, options?: CallOptions): Promise<void>;

  /** Tells whether there is a bucket. */
  bucketExists(bucket: string, options?: CallOptions): Promise<boolean>;

  /** Resolves with what is worth showing, or rejects with why the storage does not work. */
  health(options?: CallOptions): Promise<Record<string, unknown>>;

  /** Gives up what the provider holds. Open streams end on their own. */
  close(): Promise<void>;
}
