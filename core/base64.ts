/** More arguments than these, a call of a function may not take. */
const BYTES_AT_ONCE = 8_192;

/** Bytes in base64 (RFC 4648, 4), by what every runtime has. */
export function encodeBase64(bytes: Uint8Array): string {
  let text = "";
  for (let start = 0; start < bytes.length; start += BYTES_AT_ONCE) {
    text += String.fromCharCode(...bytes.subarray(start, start + BYTES_AT_ONCE));
  }
  return btoa(text);
}

/** The bytes that {@linkcode encodeBase64} encoded; throws for a text that is no base64. */
export function decodeBase64(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}
