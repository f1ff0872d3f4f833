import { InfrastructureError } from "../../../core/errors.ts";
import type { StorageCall } from "../../call.ts";
import { quoteEtag } from "../../etag.ts";
import { sha256Hex } from "../../digest.ts";
import type { ObjectAddress } from "../../driver.ts";
import type { WriteConditions } from "../../write_conditions.ts";
import { asFailure } from "./failure.ts";
import { MultipartUpload, type UploadTools } from "./multipart_upload.ts";
import { Presigning } from "./presigning.ts";
import { probeKey } from "./staging.ts";

/** What a server was seen to do with one of its buckets. */
export interface S3Probe {
  /** Of several uploads that require that there is no object, one succeeds; one in parts is refused, too. */
  readonly createOnly: boolean;
  /** Of several uploads that require a version, one succeeds; one in parts is refused, too. */
  readonly ifMatch: boolean;
  /** A part of an object can be read. */
  readonly ranges: boolean;
  /** Bytes that change on the way are refused. */
  readonly checksums: boolean;
  /** A presigned URL works. */
  readonly presignedUrls: boolean;
  /** A presigned form takes a file that is small enough, and refuses a larger one. */
  readonly presignedPosts: boolean;
}

/** How many writers race for one object. */
const RACERS = 6;
const BYTES = new TextEncoder().encode("probe");
const MINUTE_MS = 60_000;

/** Measures what a server does, by trying it with small objects that it removes again. */
export class Probe {
  readonly #tools: UploadTools;
  readonly #presigning: Presigning;

  /** Creates it. */
  constructor(tools: UploadTools) {
    const { settings, signer } = tools.server;
    this.#tools = tools;
    // The public address need not be reachable from here.
    this.#presigning = new Presigning(signer, { ...settings, publicEndpoint: settings.endpoint });
  }

  /** Measures everything. Rejects when the server cannot be used. */
  async measure(call: StorageCall, bucket: string): Promise<S3Probe> {
    const conditions = await this.measureConditions(call, bucket);
    return await this.#withObject(call, bucket, async (at) => ({
      ...conditions,
      ranges: await this.#hasRanges(call, at),
      checksums: await this.#checksBytes(call, at),
      presignedUrls: await this.#hasPresignedUrls(call, at),
      presignedPosts: await this.#hasPresignedPosts(call, at),
    }));
  }

  /** Measures conditional writes alone. */
  async measureConditions(
    call: StorageCall,
    bucket: string,
  ): Promise<Pick<S3Probe, "createOnly" | "ifMatch">> {
    return await this.#withObject(call, bucket, async (at, etag) => ({
      ifMatch: await this.#hasIfMatch(call, at, etag),
      createOnly: await this.#hasCreateOnly(call, at),
    }));
  }

  async #withObject<T>(
    call: StorageCall,
    bucket: string,
    use: (at: ObjectAddress, etag: string) => Promise<T>,
  ): Promise<T> {
    const at = { bucket, key: probeKey() };
    try {
      const written = await this.#put(call, at, {});
      return await use(at, written.get("etag") ?? "");
    } finally {
      this.#tools.server.sendInBackground({ method: "DELETE", ...at });
    }
  }

  async #hasCreateOnly(call: StorageCall, at: ObjectAddress): Promise<boolean> {
    const condition = { "if-none-match": "*" };
    if (await this.#succeeds(call, () => this.#put(call, at, condition))) return false;
    const parts = { createOnly: true, ifMatch: undefined };
    if (await this.#succeeds(call, () => this.#putInParts(call, at, parts))) return false;
    await this.#tools.server.sendOnly(call.signal, { method: "DELETE", ...at });
    return await this.#hasOneWinner(call, at, condition);
  }

  async #hasIfMatch(call: StorageCall, at: ObjectAddress, etag: string): Promise<boolean> {
    const stale = "0".repeat(32);
    const other = { "if-match": quoteEtag(stale) };
    if (await this.#succeeds(call, () => this.#put(call, at, other))) return false;
    const parts = { createOnly: false, ifMatch: stale };
    if (await this.#succeeds(call, () => this.#putInParts(call, at, parts))) return false;
    return await this.#hasOneWinner(call, at, { "if-match": etag });
  }

  async #hasOneWinner(
    call: StorageCall,
    at: ObjectAddress,
    condition: Readonly<Record<string, string>>,
  ): Promise<boolean> {
    const writers = Array.from({ length: RACERS }, (_, i) => {
      return this.#succeeds(call, () => this.#put(call, at, condition, `racer ${i}`));
    });
    return (await Promise.all(writers)).filter((won) => won).length === 1;
  }

  async #hasRanges(call: StorageCall, at: ObjectAddress): Promise<boolean> {
    const { server } = this.#tools;
    await this.#put(call, at, {});
    const request = { method: "GET", ...at, headers: { range: "bytes=1-2" } };
    const { status, body } = await server.send(call.signal, request);
    return status === 206 && new TextDecoder().decode(await body.bytes(100)) === "ro";
  }

  async #checksBytes(call: StorageCall, at: ObjectAddress): Promise<boolean> {
    const { server } = this.#tools;
    const request = { method: "PUT", ...at, body: BYTES, sha256: sha256Hex("other bytes") };
    return !await this.#succeeds(call, () => server.sendOnly(call.signal, request));
  }

  async #hasPresignedUrls(call: StorageCall, at: ObjectAddress): Promise<boolean> {
    const get = { method: "GET", contentType: undefined, expiresInMs: MINUTE_MS } as const;
    const url = await this.#presigning.url(at, get);
    return await this.#succeeds(call, () => this.#exchange(call, { method: "GET", url }));
  }

  async #hasPresignedPosts(call: StorageCall, at: ObjectAddress): Promise<boolean> {
    const contentType = "application/octet-stream";
    const sizes = { minBytes: 0, maxBytes: BYTES.byteLength };
    const request = { contentType, expiresInMs: MINUTE_MS, ...sizes };
    const { url, fields } = await this.#presigning.post(at, request);
    const send = async (file: Uint8Array<ArrayBuffer>): Promise<unknown> => {
      const form = new FormData();
      for (const [name, value] of Object.entries(fields)) form.set(name, value);
      form.set("file", new Blob([file]));
      const encoded = new Response(form);
      const headers = { "content-type": encoded.headers.get("content-type") ?? "" };
      const body = new Uint8Array(await encoded.arrayBuffer());
      return await this.#exchange(call, { method: "POST", url, headers, body });
    };
    return await this.#succeeds(call, () => send(BYTES)) &&
      !await this.#succeeds(call, () => send(new Uint8Array(BYTES.byteLength + 1)));
  }

  /** Whether the server does it, or refuses; one that is away tells nothing. */
  async #succeeds(call: StorageCall, attempt: () => Promise<unknown>): Promise<boolean> {
    try {
      await attempt();
      return true;
    } catch (error) {
      call.signal.throwIfAborted();
      if (asFailure(error)?.isRefusal || asFailure(error)?.status === 501) return false;
      if (error instanceof InfrastructureError && CONDITION_CODES.has(error.code)) return false;
      throw error;
    }
  }

  async #exchange(
    call: StorageCall,
    request: { method: string; url: string; headers?: Record<string, string>; body?: Uint8Array },
  ): Promise<void> {
    const { server } = this.#tools;
    const { body } = await server.exchange({ headers: {}, ...request }, call.signal);
    await body.bytes(1_000_000);
  }

  #put(
    call: StorageCall,
    at: ObjectAddress,
    headers: Readonly<Record<string, string>>,
    text = "probe",
  ): Promise<Headers> {
    const body = new TextEncoder().encode(text);
    return this.#tools.server.sendOnly(call.signal, { method: "PUT", ...at, headers, body });
  }

  async #putInParts(
    call: StorageCall,
    at: ObjectAddress,
    condition: WriteConditions,
  ): Promise<void> {
    const about = { contentType: "application/octet-stream", metadata: {} };
    const upload = await MultipartUpload.begin(call, this.#tools, at, about);
    try {
      await upload.sendPart(call, call.signal, 1, BYTES);
      await upload.complete(call, condition);
    } finally {
      upload.abort();
    }
  }
}

const CONDITION_CODES: ReadonlySet<string> = new Set(["already_exists", "conflict"]);
