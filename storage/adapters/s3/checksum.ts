import { encodeBase64 } from "../../../core/base64.ts";

/** The headers that have a server keep the SHA-256 of a body beside it. */
export function checksumHeaders(sha256: string): Record<string, string> {
  return {
    "x-amz-sdk-checksum-algorithm": "SHA256",
    "x-amz-checksum-sha256": base64OfHex(sha256),
  };
}

/** Bytes in hexadecimal, in base64. */
export function base64OfHex(hex: string): string {
  const pairs = hex.match(/../g) ?? [];
  return encodeBase64(Uint8Array.from(pairs, (pair) => Number.parseInt(pair, 16)));
}
