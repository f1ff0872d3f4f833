import { Buffer } from "node:buffer";

/** The headers that have a server keep the SHA-256 of a body beside it. */
export function checksumHeaders(sha256: string): Record<string, string> {
  return {
    "x-amz-sdk-checksum-algorithm": "SHA256",
    "x-amz-checksum-sha256": base64OfHex(sha256),
  };
}

/** Bytes in hexadecimal, in base64. */
export function base64OfHex(hex: string): string {
  return Buffer.from(hex, "hex").toString("base64");
}
