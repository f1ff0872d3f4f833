import { SignatureV4 } from "@smithy/signature-v4";
import type { Clock } from "../../../core/clock.ts";
import { sha256Hex } from "../../digest.ts";
import type { GetCredentials, S3Credentials } from "./credentials.ts";
import type { HttpRequest } from "./http_client.ts";
import { encodeQuery, type ObjectUrls } from "./object_urls.ts";
import { RuntimeSignatureHash } from "./signature_hash.ts";

/** A request that is not signed yet. */
export interface S3Request {
  /** The method. */
  readonly method: string;
  /** The bucket; none for a request about all of them. */
  readonly bucket?: string;
  /** The key; none for a request about the bucket. */
  readonly key?: string;
  /** The query. */
  readonly query?: Readonly<Record<string, string>>;
  /** Headers, in lower case. */
  readonly headers?: Readonly<Record<string, string>>;
  /** The body. */
  readonly body?: Uint8Array | undefined;
  /** The SHA-256 of the body, if it is known already, in lower-case hexadecimal. */
  readonly sha256?: string | undefined;
}

/** How a {@linkcode Signer} signs. */
export interface SignerOptions {
  /** Gets who asks. */
  readonly credentials: GetCredentials;
  /** The region that requests are for. */
  readonly region: string;
  /** Tells the time. */
  readonly clock: Clock;
}

/** A text that was signed, with what a server needs to check that. */
export interface SignedText {
  /** The signature in hexadecimal. */
  readonly signature: string;
  /** Which key signed for what: `<access key>/<day>/<region>/s3/aws4_request`. */
  readonly credential: string;
  /** When, as `YYYYMMDDTHHMMSSZ`. */
  readonly date: string;
  /** Belongs to temporary keys. */
  readonly sessionToken: string | undefined;
}

/** Node's `fetch` adds to it when a range is asked for. */
const CHANGED_BY_FETCH = new Set(["accept-encoding"]);

/** Says to the signature, not to the server, that a URL leaves the body open. */
const UNSIGNED_BODY = new Set(["x-amz-content-sha256"]);

const EMPTY_SHA256 = sha256Hex("");

/** Signs requests (AWS Signature Version 4). The SHA-256 of the body is signed, so the server refuses bytes that changed on the way. */
export class Signer {
  readonly #options: SignerOptions;
  readonly #signature: SignatureV4;
  /** How far the clock of the server is ahead of ours, in milliseconds. */
  #aheadMs = 0;

  /** Creates the signer. */
  constructor(options: SignerOptions) {
    this.#options = options;
    const { credentials, region } = options;
    this.#signature = new SignatureV4({
      credentials,
      region,
      service: "s3",
      sha256: RuntimeSignatureHash,
      uriEscapePath: false,
    });
  }

  /** Signs a request. */
  async sign(request: S3Request, urls: ObjectUrls): Promise<HttpRequest> {
    const { method, bucket, key, query = {}, body } = request;
    const sha256 = request.sha256 ?? (body ? sha256Hex(body) : EMPTY_SHA256);
    const url = urls.of(bucket, key);
    const { headers } = await this.#signature.sign({
      ...partsOf(url),
      method,
      query,
      headers: { ...request.headers, host: url.host, "x-amz-content-sha256": sha256 },
    }, { signingDate: this.#now(), unsignableHeaders: CHANGED_BY_FETCH });
    const { host: _, ...sent } = headers;
    return { method, url: withQuery(url, query), headers: sent, body };
  }

  /** Makes a URL that carries its signature; of the headers, the given ones must be sent with it. */
  async presign(request: S3Request, urls: ObjectUrls, expiresInMs: number): Promise<string> {
    const { method, bucket, key, headers = {} } = request;
    const url = urls.of(bucket, key);
    const { query = {} } = await this.#signature.presign({
      ...partsOf(url),
      method,
      query: {},
      headers: { ...headers, host: url.host, "x-amz-content-sha256": "UNSIGNED-PAYLOAD" },
    }, {
      signingDate: this.#now(),
      expiresIn: Math.ceil(expiresInMs / 1_000),
      unsignableHeaders: UNSIGNED_BODY,
      unhoistableHeaders: UNSIGNED_BODY,
    });
    return withQuery(url, query as Record<string, string>);
  }

  /** Signs what a form allows; `textOf` makes its text from who signs and when. */
  async signText(
    textOf: (signer: Omit<SignedText, "signature">) => string,
  ): Promise<SignedText> {
    const now = this.#now();
    const { accessKeyId, sessionToken }: S3Credentials = await this.#options.credentials();
    const date = now.toISOString().replace(/[-:]|\.\d+/g, "");
    const credential = `${accessKeyId}/${date.slice(0, 8)}/${this.#options.region}/s3/aws4_request`;
    const signer = { credential, date, sessionToken };
    const signature = await this.#signature.sign(textOf(signer), { signingDate: now });
    return { ...signer, signature };
  }

  /** From now on, signs by what the clock of the server says. */
  correctClock(serverMs: number): void {
    this.#aheadMs = serverMs - this.#options.clock.now();
  }

  /** The time of the server, as far as it is known. */
  now(): number {
    return this.#options.clock.now() + this.#aheadMs;
  }

  #now(): Date {
    return new Date(this.now());
  }
}

function partsOf(url: URL): { protocol: string; hostname: string; path: string } {
  return { protocol: url.protocol, hostname: url.hostname, path: url.pathname };
}

function withQuery(url: URL, query: Readonly<Record<string, string>>): string {
  const text = encodeQuery(query);
  return text === "" ? url.href : `${url.href}?${text}`;
}
