/** Stands for a part of a URL whose encoding is wrong; no part may hold NUL. */
export const MALFORMED = "\0";

/** Parses a URL; `URL` itself puts the text, and so the password, into its error: on Deno into the message. */
export function parseUrl(url: unknown): URL | undefined {
  try {
    return new URL(String(url));
  } catch {
    return undefined;
  }
}

/** Decodes a part of a URL, or returns {@linkcode MALFORMED}. */
export function decodeUrlPart(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return MALFORMED;
  }
}
