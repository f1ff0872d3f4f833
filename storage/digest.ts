import { nodeModule } from "../core/node_module.ts";
import { PortableSha256 } from "./portable_sha256.ts";

/** The SHA-256 of bytes that come piece by piece (FIPS 180-4), in lower-case hexadecimal. */
export interface Sha256 {
  /** Adds bytes. */
  update(bytes: Uint8Array): void;
  /** The digest of all bytes so far; to be called once, at the end. */
  hex(): string;
}

const crypto = nodeModule("node:crypto");

/**
 * Starts a digest. Web Crypto cannot do this: it wants all bytes at once.
 *
 * ```ts
 * import { sha256Hex, startSha256 } from "@benchmark-exchange/infrastructure/storage";
 *
 * const digest = startSha256();
 * for await (const chunk of new Blob(["task 1\n", "task 2\n"]).stream()) digest.update(chunk);
 * console.log(digest.hex() === sha256Hex("task 1\ntask 2\n")); // true
 * ```
 */
export function startSha256(): Sha256 {
  if (!crypto) return new PortableSha256();
  const hash = crypto.createHash("sha256");
  return { update: (bytes) => void hash.update(bytes), hex: () => hash.digest("hex") };
}

/**
 * The SHA-256 of the bytes, or of the UTF-8 of the text, in lower-case hexadecimal.
 *
 * ```ts
 * import { sha256Hex } from "@benchmark-exchange/infrastructure/storage";
 *
 * console.log(sha256Hex("abc").slice(0, 16)); // "ba7816bf8f01cfea"
 * ```
 */
export function sha256Hex(data: Uint8Array | string): string {
  if (crypto) return crypto.createHash("sha256").update(data).digest("hex");
  const hash = new PortableSha256();
  hash.update(typeof data === "string" ? new TextEncoder().encode(data) : data);
  return hash.hex();
}
