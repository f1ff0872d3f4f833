import type { Hash, Hmac, KeyObject } from "node:crypto";
import { nodeModule } from "../../../core/node_module.ts";
import { joinBytes } from "../../joined_bytes.ts";

type Data = string | ArrayBuffer | ArrayBufferView;

/** What `SignatureV4` wants: the SHA-256 of what is added, or with a secret the HMAC (RFC 2104). */
export interface SignatureHash {
  /** Adds bytes, or the UTF-8 of a text. */
  update(data: Data): void;
  /** The digest; to be called once, at the end. */
  digest(): Promise<Uint8Array>;
  /** Nothing needs it. */
  reset(): void;
}

/** Makes a {@linkcode SignatureHash}. */
export type SignatureHashConstructor = new (secret?: Data) => SignatureHash;

const crypto = nodeModule("node:crypto");

const KEYS = new WeakMap<Uint8Array, KeyObject>();

/** All requests of a day are signed with one key, which the runtime takes its time to read. */
function keyOf(secret: Uint8Array, { createSecretKey }: typeof import("node:crypto")): KeyObject {
  let key = KEYS.get(secret);
  if (!key) KEYS.set(secret, key = createSecretKey(secret));
  return key;
}

/** By Node, which takes less time. */
function nodeHash(node: typeof import("node:crypto")): SignatureHashConstructor {
  return class {
    readonly #hash: Hash | Hmac;

    constructor(secret?: Data) {
      this.#hash = secret === undefined ? node.createHash("sha256") : node.createHmac(
        "sha256",
        typeof secret === "string" ? secret : keyOf(secret as Uint8Array, node),
      );
    }

    update(data: Data): void {
      this.#hash.update(data as string | Uint8Array);
    }

    digest(): Promise<Uint8Array> {
      return Promise.resolve(this.#hash.digest());
    }

    reset = noReset;
  };
}

/** By Web Crypto, which every runtime has. */
export class WebSignatureHash implements SignatureHash {
  readonly #secret: Uint8Array<ArrayBuffer> | undefined;
  readonly #parts: Uint8Array[] = [];

  /** With a secret, makes an HMAC. */
  constructor(secret?: Data) {
    this.#secret = secret === undefined ? undefined : bytesOf(secret);
  }

  /** Adds bytes. */
  update(data: Data): void {
    this.#parts.push(bytesOf(data));
  }

  /** The digest. */
  async digest(): Promise<Uint8Array> {
    const { subtle } = globalThis.crypto;
    const bytes = joinBytes(this.#parts);
    if (!this.#secret) return new Uint8Array(await subtle.digest("SHA-256", bytes));
    const algorithm = { name: "HMAC", hash: "SHA-256" };
    const key = await subtle.importKey("raw", this.#secret, algorithm, false, ["sign"]);
    return new Uint8Array(await subtle.sign("HMAC", key, bytes));
  }

  /** Nothing needs it. */
  reset = noReset;
}

/** What suits the runtime. */
export const RuntimeSignatureHash: SignatureHashConstructor = crypto
  ? nodeHash(crypto)
  : WebSignatureHash;

function noReset(): never {
  throw new Error("Cannot reset a hash: nothing needs it");
}

function bytesOf(data: Data): Uint8Array<ArrayBuffer> {
  if (typeof data === "string") return new TextEncoder().encode(data);
  if (data instanceof ArrayBuffer) return new Uint8Array(data);
  const { buffer, byteOffset, byteLength } = data;
  return new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength);
}
