import type { Clock } from "../../core/clock.ts";
import { ValidationError } from "../../core/errors.ts";
import { assumedNodeModule } from "../../core/node_module.ts";
import { kindOf } from "../../core/shown_value.ts";
import { decodeUrlPart, parseUrl } from "../../core/url_text.ts";
import type { ObjectAddress } from "../driver.ts";
import type { PresignPostRequest, PresignRequest } from "../requests.ts";
import type { PresignedPost } from "../storage.ts";

/** Where presigned requests are served, and what signs them. */
export interface PresignSettings {
  /**
   * The URL under which the handler is reached from outside, such as `https://example.org/files/`.
   * Its path belongs to the handler alone. What was signed for one base URL does not work at another.
   */
  readonly baseUrl: string;
  /**
   * What only the servers know, the same for all that serve the base URL: at least 32 bytes, of
   * UTF-8 if it is a string. They must be random, such as those of `openssl rand -base64 32`. A new
   * secret ends everything that was signed with the old one.
   */
  readonly secret: string | Uint8Array;
}

/** What a signed request may do. */
export type SignedRequest = ObjectAddress & SignedTerms;

type SignedTerms =
  | { readonly method: "GET" }
  | { readonly method: "PUT"; readonly contentType: string | undefined }
  | ({ readonly method: "POST" } & Omit<PresignPostRequest, "expiresInMs">);

/**
 * What was found out about a request: what it may do, or why it may do nothing. `elsewhere` is outside
 * the base URL, `unsigned` has no signature or a wrong one, `expired` has a right one and is too late.
 */
export type Verdict = SignedRequest | "elsewhere" | "unsigned" | "expired";

type SignedMethod = SignedRequest["method"];

/** What a query says besides its signature. */
type Terms = Readonly<Record<string, string>>;

const { createHmac, hkdfSync, timingSafeEqual } = assumedNodeModule("node:crypto");
const MIN_SECRET_BYTES = 32;
const SIGNATURE = "signature";

/**
 * Signs URLs and forms, and recognizes its own. The signature covers the method, the bucket, the
 * key and every parameter of the query, among them the time of expiry. It is an HMAC-SHA-256 (RFC
 * 2104) under a key that is derived by HKDF (RFC 5869) for one method and one base URL.
 */
export class UrlSigner {
  readonly #base: URL;
  readonly #keys: Readonly<Record<SignedMethod, Uint8Array>>;
  readonly #clock: Pick<Clock, "now">;

  /** Creates the signer; throws a `ValidationError` that names the setting. */
  constructor({ baseUrl, secret }: PresignSettings, clock: Pick<Clock, "now">) {
    const base = checkBaseUrl(baseUrl);
    const bytes = checkSecret(secret);
    const keyFor = (method: SignedMethod): Uint8Array => {
      const purpose = JSON.stringify(["benchmark-exchange presigned request", method, base.href]);
      return new Uint8Array(hkdfSync("sha256", bytes, new Uint8Array(), purpose, 32));
    };
    this.#base = base;
    this.#keys = { GET: keyFor("GET"), PUT: keyFor("PUT"), POST: keyFor("POST") };
    this.#clock = clock;
  }

  /** Makes a URL that reads or writes the object. */
  signUrl(at: ObjectAddress, { method, contentType, expiresInMs }: PresignRequest): string {
    const terms: Terms = contentType === undefined ? {} : { type: contentType };
    return this.#sign(method, at, expiresInMs, terms);
  }

  /** Makes a form that uploads the object. Its terms are in its URL, to be checked before it is read. */
  signForm(at: ObjectAddress, request: PresignPostRequest): PresignedPost {
    const { contentType, minBytes, maxBytes, expiresInMs } = request;
    const terms = { type: contentType, min: `${minBytes}`, max: `${maxBytes}` };
    const url = this.#sign("POST", at, expiresInMs, terms);
    return { url, fields: { "Content-Type": contentType } };
  }

  /** Finds out what a request may do. Its origin does not count, for a proxy can have changed it. */
  verify(method: string, url: URL): Verdict {
    const { pathname: basePath } = this.#base;
    if (!url.pathname.startsWith(basePath)) return "elsewhere";
    const [bucket = "", ...segments] = decodeUrlPart(url.pathname.slice(basePath.length))
      .split("/");
    const at = { bucket, key: segments.join("/") };
    const terms = new URLSearchParams(url.search);
    const [given = "", ...others] = terms.getAll(SIGNATURE);
    terms.delete(SIGNATURE);
    if (!isSignedMethod(method) || others.length > 0) return "unsigned";
    if (!isEqual(given, this.#signature(method, at, terms))) return "unsigned";
    if (this.#clock.now() >= Number(terms.get("expires"))) return "expired";
    return { ...at, ...readTerms(method, terms) };
  }

  #sign(method: SignedMethod, at: ObjectAddress, expiresInMs: number, terms: Terms): string {
    const path = [at.bucket, ...at.key.split("/")].map(encodeURIComponent).join("/");
    const url = new URL(`${this.#base.href}${path}`);
    const query = new URLSearchParams({
      ...terms,
      expires: `${this.#clock.now() + expiresInMs}`,
    });
    query.append(SIGNATURE, this.#signature(method, at, query));
    url.search = `${query}`;
    return url.href;
  }

  /** JSON keeps the parts apart; the order of parameters does not count. */
  #signature(method: SignedMethod, { bucket, key }: ObjectAddress, terms: URLSearchParams): string {
    const sorted = new URLSearchParams(terms);
    sorted.sort();
    const text = JSON.stringify([method, bucket, key, ...sorted]);
    return createHmac("sha256", this.#keys[method]).update(text).digest("base64url");
  }
}

/** The terms that a signature was found to cover, so they are as they were made. */
function readTerms(method: SignedMethod, terms: URLSearchParams): SignedTerms {
  const contentType = terms.get("type") ?? undefined;
  if (method === "GET") return { method };
  if (method === "PUT") return { method, contentType };
  const [minBytes, maxBytes] = [Number(terms.get("min")), Number(terms.get("max"))];
  return { method, contentType: contentType ?? "", minBytes, maxBytes };
}

function isSignedMethod(method: string): method is SignedMethod {
  return method === "GET" || method === "PUT" || method === "POST";
}

/** Compares the texts, not what they decode to: several texts decode to the same bytes. */
function isEqual(given: string, expected: string): boolean {
  const encoder = new TextEncoder();
  const [a, b] = [encoder.encode(given), encoder.encode(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}

/** The error does not show the URL: it may hold a password. */
function checkBaseUrl(baseUrl: unknown): URL {
  const url = typeof baseUrl === "string" ? parseUrl(baseUrl) : undefined;
  if (!url || !/^https?:$/.test(url.protocol)) {
    throw new ValidationError("presign.baseUrl", "it must be a URL that begins with http or https");
  }
  if (url.username || url.password || /[?#]/.test(url.href)) {
    throw new ValidationError(
      "presign.baseUrl",
      "it must have no user, no password, no query and no fragment",
    );
  }
  if (!url.pathname.endsWith("/")) url.pathname += "/";
  return url;
}

function checkSecret(secret: unknown): Uint8Array {
  if (typeof secret !== "string" && !(secret instanceof Uint8Array)) {
    throw new ValidationError(
      "presign.secret",
      `it must be a string or bytes, got ${kindOf(secret)}`,
    );
  }
  const bytes = typeof secret === "string" ? new TextEncoder().encode(secret) : secret;
  if (bytes.byteLength >= MIN_SECRET_BYTES) return bytes;
  throw new ValidationError(
    "presign.secret",
    `it must have at least ${MIN_SECRET_BYTES} bytes, got ${bytes.byteLength}`,
  );
}
