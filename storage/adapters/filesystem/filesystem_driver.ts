import type { Clock } from "../../../core/clock.ts";
import { InfrastructureError } from "../../../core/errors.ts";
import { assumedNodeModule } from "../../../core/node_module.ts";
import { orCancel, readBody, reportChunks } from "../../body.ts";
import type { StorageCall } from "../../call.ts";
import type { ObjectAddress, StorageDriver } from "../../driver.ts";
import { missing, otherVersion, unsupported } from "../../failures.ts";
import { fillPage, type ListRequest } from "../../listing.ts";
import { mapConcurrently } from "../../map_concurrently.ts";
import type { UrlSigner } from "../../presigned/url_signer.ts";
import { locateRange } from "../../range.ts";
import { readStream } from "../../read_stream.ts";
import type {
  DownloadRequest,
  PresignPostRequest,
  PresignRequest,
  UploadRequest,
} from "../../requests.ts";
import type {
  DeleteResult,
  ObjectMetadata,
  ObjectPage,
  ObjectStream,
  ObjectSummary,
  PresignedPost,
  StorageCapabilities,
  WrittenObject,
} from "../../storage.ts";
import {
  checkConditions,
  isConditional,
  UNCONDITIONAL,
  type WriteConditions,
} from "../../write_conditions.ts";
import { ensureDirectory, isDirectory, removeEmpty, syncIfThere } from "./directories.ts";
import { fileError } from "./file_error.ts";
import { KeyedMutex } from "./keyed_mutex.ts";
import {
  byteSource,
  type ObjectRecord,
  type OpenObject,
  openObjectFile,
  readObjectRecord,
  writeObjectFile,
} from "./object_file.ts";
import { objectNames } from "./object_names.ts";
import { type ObjectPlace, putInPlace, removeFile } from "./object_place.ts";
import { Root } from "./root.ts";
import { walk } from "./walk.ts";

const { dirname, join } = assumedNodeModule("node:path");

/** How many files one call works on at a time. */
const OPEN_FILES = 16;

/** Keeps each object in a file of its own; see `object_names.ts` and `object_file.ts` for where and how. */
export class FileSystemDriver implements StorageDriver {
  /** Everything; presigning only with a signer. */
  readonly capabilities: StorageCapabilities;
  readonly #root: Root;
  readonly #clock: Clock;
  readonly #signer: UrlSigner | undefined;
  readonly #writers = new KeyedMutex();

  /** Creates the driver; touches no file yet. */
  constructor(root: string, clock: Clock, signer: UrlSigner | undefined) {
    const presigned = signer !== undefined;
    this.capabilities = {
      createOnly: true,
      ifMatch: true,
      presignedUrls: presigned,
      presignedPosts: presigned,
    };
    this.#root = new Root(root, clock);
    this.#clock = clock;
    this.#signer = signer;
  }

  /** Writes an object. */
  async put(call: StorageCall, to: ObjectAddress, request: UploadRequest): Promise<WrittenObject> {
    const place = await this.#placeFor(call, to);
    await checkPlace(call, place, request);
    const { contentType, metadata } = request;
    const chunks = reportChunks(request.chunks, request.progress);
    return await this.#write(call, place, chunks, request, (size) => ({
      ...this.#newVersion(size),
      contentType,
      metadata: metadata(),
    }));
  }

  /** Opens an object. */
  async open(
    call: StorageCall,
    from: ObjectAddress,
    request: DownloadRequest,
  ): Promise<ObjectStream> {
    const { handle, record } = await this.#openObject(call, from);
    try {
      if (request.ifMatch !== undefined && request.ifMatch !== record.etag) {
        throw otherVersion(call.operation);
      }
      const span = locateRange(request.range, record.size);
      const source = byteSource(handle, (error) => this.toError(error, call));
      const body = readStream(call.operation, source, span, request.signals);
      return { metadata: describe(from.key, record), body };
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /** Reads everything about an object but its bytes. */
  async stat(call: StorageCall, at: ObjectAddress): Promise<ObjectMetadata | undefined> {
    const record = await readRecord(call, await this.#locate(at));
    return record && describe(at.key, record);
  }

  /** Deletes objects. */
  async remove(
    call: StorageCall,
    bucket: string,
    keys: readonly string[],
  ): Promise<DeleteResult[]> {
    const bucketPath = await this.#bucketPath(call, bucket);
    const touched = new Set<string>();
    const results = await mapConcurrently(keys, OPEN_FILES, async (key): Promise<DeleteResult> => {
      const path = join(bucketPath, ...objectNames(key));
      try {
        await this.#writers.run(path, async () => {
          call.commit();
          if (await removeFile(path)) touched.add(dirname(path));
        });
        return { key, deleted: true };
      } catch (error) {
        const reason = error instanceof InfrastructureError ? error : fileError(error, call);
        return { key, deleted: false, error: reason };
      }
    });
    await mapConcurrently([...touched], OPEN_FILES, async (directory) => {
      await syncIfThere(directory);
      await removeEmpty(bucketPath, directory);
    });
    return results;
  }

  /** Lists one page. */
  async list(call: StorageCall, bucket: string, request: ListRequest): Promise<ObjectPage> {
    const bucketPath = await this.#bucketPath(call, bucket);
    return await fillPage(walk(bucketPath, request), request.limit, (keys) => {
      return mapConcurrently(keys, OPEN_FILES, async (key) => {
        call.signal.throwIfAborted();
        const path = join(bucketPath, ...objectNames(key));
        const record = await readObjectRecord(path, { operation: call.operation, key });
        return record && summarize(key, record);
      });
    });
  }

  /** Copies an object. */
  async copy(call: StorageCall, from: ObjectAddress, to: ObjectAddress): Promise<WrittenObject> {
    const place = await this.#placeFor(call, to);
    const request = { range: undefined, ifMatch: undefined, signals: [call.signal] };
    const { body, metadata: source } = await this.open(call, from, request);
    const chunks = readBody(body, { size: source.size, signal: call.signal });
    const { contentType, metadata } = source;
    const copy = this.#write(call, place, chunks, UNCONDITIONAL, (size) => {
      return { ...this.#newVersion(size), contentType, metadata };
    });
    return await orCancel(body, copy);
  }

  /** Makes a presigned URL; without a signer it throws an error with code `unsupported`. */
  presign(call: StorageCall, at: ObjectAddress, request: PresignRequest): Promise<string> {
    if (!this.#signer) throw unsupported(call.operation, "presignedUrls");
    return Promise.resolve(this.#signer.signUrl(at, request));
  }

  /** Makes a presigned form; without a signer it throws an error with code `unsupported`. */
  presignPost(
    call: StorageCall,
    at: ObjectAddress,
    request: PresignPostRequest,
  ): Promise<PresignedPost> {
    if (!this.#signer) throw unsupported(call.operation, "presignedPosts");
    return Promise.resolve(this.#signer.signForm(at, request));
  }

  /** Creates a bucket. */
  async createBucket(call: StorageCall, bucket: string): Promise<void> {
    const root = await this.#root.path();
    call.commit();
    await ensureDirectory(root, join(root, bucket));
  }

  /** Tells whether there is a bucket. */
  async bucketExists(_call: StorageCall, bucket: string): Promise<boolean> {
    return await isDirectory(join(await this.#root.path(), bucket));
  }

  /** Writes and removes a file, and resolves with the root. */
  async health(): Promise<Record<string, unknown>> {
    await this.#root.withUploadFile(async (path) => {
      await writeObjectFile(path, nothing(), () => ({
        ...this.#newVersion(0),
        contentType: "application/octet-stream",
        metadata: {},
      }));
    });
    return { adapter: "filesystem", root: await this.#root.path() };
  }

  /** Holds nothing. */
  close(): Promise<void> {
    return Promise.resolve();
  }

  /** Maps an error of the file system. */
  toError(error: unknown, call: StorageCall): InfrastructureError {
    return fileError(error, call);
  }

  async #locate(at: ObjectAddress): Promise<ObjectPlace> {
    const bucketPath = join(await this.#root.path(), at.bucket);
    return { key: at.key, bucketPath, path: join(bucketPath, ...objectNames(at.key)) };
  }

  async #placeFor(call: StorageCall, to: ObjectAddress): Promise<ObjectPlace> {
    await this.#bucketPath(call, to.bucket);
    return await this.#locate(to);
  }

  async #bucketPath(call: StorageCall, bucket: string): Promise<string> {
    const path = join(await this.#root.path(), bucket);
    if (!await isDirectory(path)) throw missing(call.operation, "bucket");
    return path;
  }

  async #openObject(call: StorageCall, from: ObjectAddress): Promise<OpenObject> {
    const { path, key } = await this.#locate(from);
    const object = await isDirectory(dirname(path)) &&
      await openObjectFile(path, { operation: call.operation, key });
    if (!object) throw missing(call.operation, "object");
    return object;
  }

  #newVersion(size: number): Pick<ObjectRecord, "size" | "etag" | "modifiedMs"> {
    return { size, etag: crypto.randomUUID(), modifiedMs: this.#clock.now() };
  }

  async #write(
    call: StorageCall,
    place: ObjectPlace,
    chunks: AsyncIterable<Uint8Array>,
    conditions: WriteConditions,
    record: (size: number) => ObjectRecord,
  ): Promise<WrittenObject> {
    return await this.#root.withUploadFile(async (upload) => {
      const { etag, size } = await writeObjectFile(upload, chunks, record);
      await this.#writers.run(place.path, async () => {
        // The body took its time, so the object can be another one by now.
        await checkPlace(call, place, conditions);
        await putInPlace(call, upload, place, conditions.createOnly);
      });
      return { etag, size };
    });
  }
}

async function checkPlace(
  call: StorageCall,
  place: ObjectPlace,
  conditions: WriteConditions,
): Promise<void> {
  if (!isConditional(conditions)) return;
  checkConditions(call.operation, (await readRecord(call, place))?.etag, conditions);
}

async function readRecord(
  { operation }: StorageCall,
  { path, key }: ObjectPlace,
): Promise<ObjectRecord | undefined> {
  if (!await isDirectory(dirname(path))) return undefined;
  return await readObjectRecord(path, { operation, key });
}

function describe(key: string, record: ObjectRecord): ObjectMetadata {
  const { contentType, metadata } = record;
  return { ...summarize(key, record), contentType, metadata };
}

function summarize(key: string, { size, etag, modifiedMs }: ObjectRecord): ObjectSummary {
  return { key, size, etag, lastModified: new Date(modifiedMs) };
}

async function* nothing(): AsyncGenerator<Uint8Array> {}
