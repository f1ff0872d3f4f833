import type { StorageCall } from "../../call.ts";
import type { ObjectAddress } from "../../driver.ts";
import { missing, otherVersion } from "../../failures.ts";
import { mapConcurrently } from "../../map_concurrently.ts";
import type { Span } from "../../range.ts";
import type { UploadRequest } from "../../requests.ts";
import type { UserMetadata, WrittenObject } from "../../storage.ts";
import { asFailure } from "./failure.ts";
import { copySource, MAX_PARTS, MultipartUpload, type UploadTools } from "./multipart_upload.ts";
import { quoted, unquoted } from "./object_headers.ts";
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

type Conditions = Pick<UploadRequest, "createOnly" | "ifMatch">;

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
    conditions: Conditions,
  ): Promise<WrittenObject> {
    const { server } = this.#tools;
    try {
      return await this.#copyInParts(call, staged, to, about, conditions);
    } finally {
      const { bucket, key } = staged;
      const forever = new AbortController().signal;
      server.inBackground(server.sendOnly(forever, { method: "DELETE", bucket, key }));
    }
  }

  async #copyVersion(
    call: StorageCall,
    source: Source,
    to: ObjectAddress,
    about: ObjectHeaders,
  ): Promise<WrittenObject> {
    if (source.size > this.#partBytes) {
      return await this.#copyInParts(call, source, to, about, {
        createOnly: false,
        ifMatch: undefined,
      });
    }
    call.commit();
    const { CopyObjectResult: copied } = await this.#tools.server.command(
      call.signal,
      (client, sdk) =>
        client.send(
          new sdk.CopyObjectCommand({
            Bucket: to.bucket,
            Key: to.key,
            CopySource: copySource(source),
            CopySourceIfMatch: quoted(source.etag),
          }),
          { abortSignal: call.signal },
        ),
    );
    return { etag: unquoted(copied?.ETag ?? ""), size: source.size };
  }

  async #copyInParts(
    call: StorageCall,
    source: Source,
    to: ObjectAddress,
    about: Description,
    conditions: Conditions,
  ): Promise<WrittenObject> {
    const { server } = this.#tools;
    const upload = await MultipartUpload.begin(call, this.#tools, to, about);
    try {
      const spans = spansOf(source.size, this.#partBytes);
      await mapConcurrently(spans, server.settings.partConcurrency, async (span) => {
        await upload.copyPart(call, call.signal, spans.indexOf(span) + 1, source, span);
      });
      call.commit();
      return { ...await upload.complete(call, conditions), size: source.size };
    } catch (error) {
      server.inBackground(upload.abort());
      throw error;
    }
  }
}

function spansOf(size: number, partBytes: number): Span[] {
  const bytes = Math.max(partBytes, Math.ceil(size / MAX_PARTS));
  return Array.from({ length: Math.ceil(size / bytes) }, (_, i) => {
    return { start: i * bytes, end: Math.min((i + 1) * bytes, size) };
  });
}
