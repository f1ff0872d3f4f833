import type { StorageCall } from "../../call.ts";
import { quoteEtag, unquoteEtag } from "../../etag.ts";
import type { ObjectAddress } from "../../driver.ts";
import { missing, otherVersion } from "../../failures.ts";
import { mapConcurrently } from "../../map_concurrently.ts";
import type { Span } from "../../range.ts";
import type { UserMetadata, WrittenObject } from "../../storage.ts";
import { UNCONDITIONAL, type WriteConditions } from "../../write_conditions.ts";
import { asFailure } from "./failure.ts";
import { copySource, MAX_PARTS, MultipartUpload, type UploadTools } from "./multipart_upload.ts";
import type { ObjectHeaders } from "./object_reader.ts";

/** One version of an object. */
interface Source extends ObjectAddress {
  readonly etag: string;
  readonly size: number;
}

/** What a new object gets. */
interface Description {
  readonly contentType: string;
  readonly metadata: UserMetadata;
}

/** What is larger is copied in parts of this size, for Amazon copies at most 5 GiB at once, and others are slow: 256 MiB. */
const COPY_PART_BYTES = 268_435_456;

/** Has the server copy objects, without moving their bytes here. */
export class Copies {
  readonly #tools: UploadTools;
  readonly #partBytes: number;

  /** Creates it. */
  constructor(tools: UploadTools, partBytes = COPY_PART_BYTES) {
    this.#tools = tools;
    this.#partBytes = partBytes;
  }

  /** Copies one version of an object. */
  async copy(call: StorageCall, from: ObjectAddress, to: ObjectAddress): Promise<WrittenObject> {
    const { server, reader } = this.#tools;
    for (let attempt = 1;; attempt++) {
      const about = await reader.stat(call, from);
      if (!about) throw missing(call.operation, "object");
      const { etag, size } = about;
      // Servers refuse a copy onto itself that changes nothing.
      if (from.bucket === to.bucket && from.key === to.key) return { etag, size };
      try {
        return await this.#copyVersion(call, { ...from, etag, size }, to, about);
      } catch (error) {
        if (asFailure(error)?.status !== 412) throw error;
        // The object became another one since its size was asked for.
        if (attempt >= server.settings.maxAttempts) throw otherVersion(call.operation);
      }
    }
  }

  /** Moves what was staged to its place, with its metadata, if the conditions hold. */
  async fromStaging(
    call: StorageCall,
    staged: Source,
    to: ObjectAddress,
    about: Description,
    conditions: WriteConditions,
  ): Promise<WrittenObject> {
    try {
      return await this.#copyInParts(call, staged, to, about, conditions);
    } finally {
      const { bucket, key } = staged;
      this.#tools.server.sendInBackground({ method: "DELETE", bucket, key });
    }
  }

  async #copyVersion(
    call: StorageCall,
    source: Source,
    to: ObjectAddress,
    about: ObjectHeaders,
  ): Promise<WrittenObject> {
    if (source.size > this.#partBytes) {
      return await this.#copyInParts(call, source, to, about, UNCONDITIONAL);
    }
    call.commit();
    const { CopyObjectResult: copied } = await this.#tools.server.command(
      call.signal,
      (sdk) =>
        new sdk.CopyObjectCommand({
          Bucket: to.bucket,
          Key: to.key,
          CopySource: copySource(source),
          CopySourceIfMatch: quoteEtag(source.etag),
        }),
    );
    return { etag: unquoteEtag(copied?.ETag ?? ""), size: source.size };
  }

  async #copyInParts(
    call: StorageCall,
    source: Source,
    to: ObjectAddress,
    about: Description,
    conditions: WriteConditions,
  ): Promise<WrittenObject> {
    const { server } = this.#tools;
    const upload = await MultipartUpload.begin(call, this.#tools, to, about);
    try {
      const parts = partsOf(source.size, this.#partBytes);
      await mapConcurrently(parts, server.settings.partConcurrency, async ({ number, span }) => {
        await upload.copyPart(call, call.signal, number, source, span);
      });
      call.commit();
      return { ...await upload.complete(call, conditions), size: source.size };
    } catch (error) {
      upload.abort();
      throw error;
    }
  }
}

function partsOf(size: number, partBytes: number): { number: number; span: Span }[] {
  const bytes = Math.max(partBytes, Math.ceil(size / MAX_PARTS));
  return Array.from({ length: Math.ceil(size / bytes) }, (_, i) => {
    return { number: i + 1, span: { start: i * bytes, end: Math.min((i + 1) * bytes, size) } };
  });
}
