/** An etag as headers have it. */
export function quoteEtag(etag: string): string {
  return `"${etag}"`;
}

/** An etag without the quotes that headers and listings have. */
export function unquoteEtag(etag: string): string {
  return etag.replace(/^"(.*)"$/, "$1");
}
