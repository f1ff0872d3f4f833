import { unquoteEtag } from "../../etag.ts";
import { RESERVED_METADATA } from "../../object_metadata.ts";
import type { ObjectMetadata, UserMetadata } from "../../storage.ts";

/** Marks what one upload has written, so that it is known again when the answer was lost. Users do not see it. */
const WRITE_MARK = RESERVED_METADATA;

const PREFIX = "x-amz-meta-";

/** The headers that describe an object that is written. */
export function describingHeaders(
  contentType: string,
  metadata: UserMetadata,
  mark: string | undefined,
): Record<string, string> {
  const headers: Record<string, string> = { "content-type": contentType };
  for (const [name, value] of Object.entries(marked(metadata, mark))) {
    headers[PREFIX + name] = value;
  }
  return headers;
}

/** The metadata with the mark of an upload. */
export function marked(metadata: UserMetadata, mark: string | undefined): UserMetadata {
  return mark === undefined ? metadata : { ...metadata, [WRITE_MARK]: mark };
}

/** What the headers say about an object; `undefined` if they do not say how long it is. */
export function readHeaders(
  key: string,
  headers: Headers,
): (ObjectMetadata & { readonly mark: string | undefined }) | undefined {
  const size = sizeOf(headers);
  if (size === undefined) return undefined;
  const metadata: Record<string, string> = {};
  for (const [name, value] of headers) {
    if (name.startsWith(PREFIX)) metadata[name.slice(PREFIX.length)] = value;
  }
  const { [WRITE_MARK]: mark, ...own } = metadata;
  return {
    key,
    size,
    etag: unquoteEtag(headers.get("etag") ?? ""),
    lastModified: new Date(headers.get("last-modified") ?? 0),
    contentType: headers.get("content-type") ?? "application/octet-stream",
    metadata: own,
    mark,
  };
}

function sizeOf(headers: Headers): number | undefined {
  const range = headers.get("content-range");
  const text = range === null ? headers.get("content-length") : /\/(\d+)$/.exec(range)?.[1];
  return text === null || text === undefined ? undefined : Number(text);
}
