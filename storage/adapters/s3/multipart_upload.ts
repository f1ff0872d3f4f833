import type { StorageCall } from "../../call.ts";
import { quoteEtag, unquoteEtag } from "../../etag.ts";
import { sha256Hex } from "../../digest.ts";
import type { ObjectAddress } from "../../driver.ts";
import { storageFailure } from "../../failures.ts";
import type { UserMetadata } from "../../storage.ts";
import type { Span } from "../../range.ts";
import type { WriteConditions } from "../../write_conditions.ts";
import { base64OfHex, checksumHeaders } from "./checksum.ts";
import { asFailure } from "./failure.ts";
import { marked } from "./object_headers.ts";
import type { ObjectReader } from "./object_reader.ts";
import { encodeKey } from "./object_urls.ts";
import { conditionError } from "./s3_error.ts";
import type { S3Server } from "./server.ts";

/** How many parts an object can have. */
export const MAX_PARTS = 10_000;

interface SentPart {
  readonly PartNumber: number;
  readonly ETag: string;
  readonly ChecksumSHA256?: string;
}

/** What an upload in parts needs. */
export interface UploadTools {
  /** Takes the parts. */
  readonly server: S3Server;
  /** Tells what became of an upload whose answer was lost. */
  readonly reader: ObjectReader;
}

/** An object that is written in parts, invisible until it is completed. */
export class MultipartUpload {
  readonly #tools: UploadTools;
  readonly #to: ObjectAddress;
  readonly #uploadId: string;
  readonly #mark: string;
  readonly #parts: SentPart[] = [];

  private constructor(tools: UploadTools, to: ObjectAddress, uploadId: string, mark: string) {
    this.#tools = tools;
    this.#to = to;
    this.#uploadId = uploadId;
    this.#mark = mark;
  }

  /** Begins an upload. When the answer is lost, an empty one stays on the server, as a leftover. */
  static async begin(
    call: StorageCall,
    tools: UploadTools,
    to: ObjectAddress,
    about: { readonly contentType: string; readonly metadata: UserMetadata },
  ): Promise<MultipartUpload> {
    const { server } = tools;
    const mark = crypto.randomUUID();
    const { UploadId } = await server.command(
      call.signal,
      (sdk) =>
        new sdk.CreateMultipartUploadCommand({
          Bucket: to.bucket,
          Key: to.key,
          ContentType: about.contentType,
          Metadata: { ...marked(about.metadata, mark) },
          ...(server.settings.storeChecksums ? { ChecksumAlgorithm: "SHA256" } : {}),
        }),
    );
    if (UploadId) return new MultipartUpload(tools, to, UploadId, mark);
    throw incomprehensible(call, "an upload without a name");
  }

  /** Sends a part; parts count from 1 and can come in any order. */
  async sendPart(
    call: StorageCall,
    signal: AbortSignal,
    number: number,
    bytes: Uint8Array,
  ): Promise<void> {
    const sha256 = sha256Hex(bytes);
    const { storeChecksums } = this.#tools.server.settings;
    const headers = await this.#tools.server.sendOnly(signal, {
      method: "PUT",
      ...this.#to,
      query: { partNumber: String(number), uploadId: this.#uploadId },
      headers: storeChecksums ? checksumHeaders(sha256) : {},
      body: bytes,
      sha256,
    });
    this.#keep(call, number, headers.get("etag"), storeChecksums ? base64OfHex(sha256) : undefined);
  }

  /** Has the server copy a part from a version of another object. */
  async copyPart(
    call: StorageCall,
    signal: AbortSignal,
    number: number,
    source: ObjectAddress & { readonly etag: string },
    span: Span,
  ): Promise<void> {
    const { CopyPartResult: copied } = await this.#tools.server.command(
      signal,
      (sdk) =>
        new sdk.UploadPartCopyCommand({
          ...this.#target(),
          PartNumber: number,
          CopySource: copySource(source),
          CopySourceIfMatch: quoteEtag(source.etag),
          CopySourceRange: `bytes=${span.start}-${span.end - 1}`,
        }),
    );
    this.#keep(call, number, copied?.ETag, copied?.ChecksumSHA256);
  }

  /** Makes the object visible if the conditions hold. The caller commits before. */
  async complete(
    call: StorageCall,
    conditions: WriteConditions,
  ): Promise<{ readonly etag: string }> {
    const { createOnly, ifMatch } = conditions;
    try {
      const { ETag } = await this.#tools.server.command(
        call.signal,
        (sdk) =>
          new sdk.CompleteMultipartUploadCommand({
            ...this.#target(),
            MultipartUpload: { Parts: this.#parts.toSorted((a, b) => a.PartNumber - b.PartNumber) },
            ...(createOnly ? { IfNoneMatch: "*" } : {}),
            ...(ifMatch === undefined ? {} : { IfMatch: quoteEtag(ifMatch) }),
          }),
      );
      if (ETag) return { etag: unquoteEtag(ETag) };
      throw incomprehensible(call, "an object without an etag");
    } catch (error) {
      const failure = asFailure(error);
      if (!failure) throw error;
      // What is in the way may be what it completed itself: the answer was lost, and some runtimes repeat a request
      // unasked. The upload is not known any more then.
      if (failure.mayHaveWorked || failure.isConditional || failure.reason === "NoSuchUpload") {
        const written = await this.#tools.reader.stat(call, this.#to).catch(() => undefined);
        if (written?.mark === this.#mark) return { etag: written.etag };
      }
      throw conditionError(call.operation, failure, conditions) ?? failure;
    }
  }

  /** Gives the upload up, also after its caller has gone; nobody waits for it. */
  abort(): void {
    const query = { uploadId: this.#uploadId };
    this.#tools.server.sendInBackground({ method: "DELETE", ...this.#to, query });
  }

  #target(): { Bucket: string; Key: string; UploadId: string } {
    return { Bucket: this.#to.bucket, Key: this.#to.key, UploadId: this.#uploadId };
  }

  #keep(
    call: StorageCall,
    number: number,
    etag: string | null | undefined,
    checksum: string | undefined,
  ): void {
    if (!etag) throw incomprehensible(call, "a part without an etag");
    const kept = { PartNumber: number, ETag: etag };
    this.#parts.push(checksum === undefined ? kept : { ...kept, ChecksumSHA256: checksum });
  }
}

/** Where a copy comes from, as headers have it. */
export function copySource({ bucket, key }: ObjectAddress): string {
  return `${bucket}/${encodeKey(key)}`;
}

function incomprehensible(call: StorageCall, what: string): Error {
  return storageFailure(call.operation, `the server answered with ${what}`, { code: "internal" });
}
