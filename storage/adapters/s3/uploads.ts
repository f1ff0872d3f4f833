import type { StorageCall } from "../../call.ts";
import { quoteEtag, unquoteEtag } from "../../etag.ts";
import { sha256Hex } from "../../digest.ts";
import type { ObjectAddress } from "../../driver.ts";
import type { UploadRequest } from "../../requests.ts";
import type { WrittenObject } from "../../storage.ts";
import { checkConditions, isConditional, UNCONDITIONAL } from "../../write_conditions.ts";
import type { Copies } from "./copies.ts";
import { checksumHeaders } from "./checksum.ts";
import { asFailure } from "./failure.ts";
import { MAX_PARTS, MultipartUpload, type UploadTools } from "./multipart_upload.ts";
import { describingHeaders } from "./object_headers.ts";
import { PartReader } from "./part_reader.ts";
import { sendParts } from "./part_sender.ts";
import { conditionError } from "./s3_error.ts";
import { stagingKey } from "./staging.ts";

/** Writes objects: small ones with one request, larger ones in parts. */
export class Uploads {
  readonly #tools: UploadTools;
  readonly #copies: Copies;

  /** Creates it. */
  constructor(tools: UploadTools, copies: Copies) {
    this.#tools = tools;
    this.#copies = copies;
  }

  /** Writes an object. */
  async put(call: StorageCall, to: ObjectAddress, request: UploadRequest): Promise<WrittenObject> {
    const partBytes = this.#partBytes(request.size);
    const parts = new PartReader(request.chunks, partBytes);
    try {
      const { bytes, isLast } = await parts.first();
      return isLast
        ? await this.#putWhole(call, to, request, bytes)
        : await this.#putInParts(call, to, request, { parts, first: bytes, partBytes });
    } finally {
      parts.close();
    }
  }

  async #putWhole(
    call: StorageCall,
    to: ObjectAddress,
    request: UploadRequest,
    body: Uint8Array,
  ): Promise<WrittenObject> {
    const { server, reader } = this.#tools;
    const { createOnly, ifMatch, contentType } = request;
    const mark = isConditional(request) ? crypto.randomUUID() : undefined;
    const sha256 = sha256Hex(body);
    const headers = {
      ...describingHeaders(contentType, request.metadata(), mark),
      ...(server.settings.storeChecksums ? checksumHeaders(sha256) : {}),
      ...(createOnly ? { "if-none-match": "*" } : {}),
      ...(ifMatch === undefined ? {} : { "if-match": quoteEtag(ifMatch) }),
    };
    const size = body.byteLength;
    call.commit();
    try {
      const put = { method: "PUT", ...to, headers, body, sha256 };
      const answer = await server.sendOnly(call.signal, put);
      request.progress(size);
      return { etag: unquoteEtag(answer.get("etag") ?? ""), size };
    } catch (error) {
      const failure = asFailure(error);
      if (!failure) throw error;
      // What it met may be what it wrote itself: the answer was lost, and some runtimes repeat a request unasked.
      if (mark !== undefined && (failure.mayHaveWorked || failure.isConditional)) {
        const written = await reader.stat(call, to).catch(() => undefined);
        if (written?.mark === mark) return { etag: written.etag, size };
      }
      throw conditionError(call.operation, failure, request) ?? failure;
    }
  }

  async #putInParts(
    call: StorageCall,
    to: ObjectAddress,
    request: UploadRequest,
    body: { readonly parts: PartReader; readonly first: Uint8Array; readonly partBytes: number },
  ): Promise<WrittenObject> {
    await this.#checkConditions(call, to, request);
    const { contentType, knownMetadata, metadata, progress } = request;
    const { server } = this.#tools;
    // The metadata of an upload is fixed when it begins: what is known only at its end needs a copy.
    const isStaged = knownMetadata === undefined;
    const target = isStaged ? { bucket: to.bucket, key: stagingKey() } : to;
    const about = { contentType, metadata: knownMetadata ?? {} };
    const upload = await MultipartUpload.begin(call, this.#tools, target, about);
    try {
      const size = await sendParts(call, upload, body.parts, {
        ...body,
        concurrency: server.settings.partConcurrency,
        progress,
      });
      if (isStaged) {
        const described = { contentType, metadata: metadata() };
        const { etag } = await upload.complete(call, UNCONDITIONAL);
        const staged = { ...target, etag, size };
        return await this.#copies.fromStaging(call, staged, to, described, request);
      }
      call.commit();
      return { ...await upload.complete(call, request), size };
    } catch (error) {
      upload.abort();
      throw error;
    }
  }

  /** Refuses before a large body was read for nothing; what decides is the condition of the last request. */
  async #checkConditions(
    call: StorageCall,
    to: ObjectAddress,
    request: UploadRequest,
  ): Promise<void> {
    if (!isConditional(request)) return;
    checkConditions(call.operation, (await this.#tools.reader.stat(call, to))?.etag, request);
  }

  /** Larger parts for what would have too many. */
  #partBytes(size = 0): number {
    const { partBytes } = this.#tools.server.settings;
    return Math.max(partBytes, Math.ceil(size / MAX_PARTS));
  }
}
