import { InfrastructureError } from "../../core/errors.ts";
import type { ObjectAddress } from "../driver.ts";
import { quoteEtag } from "../etag.ts";
import type { Span } from "../range.ts";
import type { ObjectMetadata, StorageProvider } from "../storage.ts";
import { selectPart } from "./conditional_request.ts";
import { Refusal } from "./refusal.ts";

/** Answers a GET of an object by its headers; rejects with a {@linkcode Refusal} or like the storage. */
export async function answerRead(
  storage: StorageProvider,
  at: ObjectAddress,
  headers: Headers,
): Promise<Response> {
  const { metadata, body } = await storage.downloadStream(at.bucket, at.key);
  const selection = selectPart(headers, metadata);
  const about = describe(metadata);
  if (selection.status === 200) {
    return new Response(body, { headers: { ...about, "content-length": `${metadata.size}` } });
  }
  await body.cancel();
  if (selection.status === 206) {
    return await answerPart(storage, at, metadata, selection.span) ??
      await answerRead(storage, at, headers);
  }
  if (selection.status === 304) return new Response(null, { status: 304, headers: about });
  if (selection.status === 412) throw new Refusal(412, "The object is at another version");
  const range = { "content-range": `bytes */${metadata.size}` };
  throw new Refusal(416, "The range lies beyond the object", range);
}

/** Answers with a part of the version that `metadata` is about; `undefined` if it was replaced meanwhile. */
async function answerPart(
  storage: StorageProvider,
  { bucket, key }: ObjectAddress,
  metadata: ObjectMetadata,
  { start, end }: Span,
): Promise<Response | undefined> {
  const range = { offset: start, length: end - start };
  const headers = {
    ...describe(metadata),
    "content-length": `${range.length}`,
    "content-range": `bytes ${start}-${end - 1}/${metadata.size}`,
  };
  try {
    const { body } = await storage.downloadStream(bucket, key, { range, ifMatch: metadata.etag });
    return new Response(body, { status: 206, headers });
  } catch (error) {
    if (error instanceof InfrastructureError && error.code === "conflict") return undefined;
    throw error;
  }
}

/**
 * The headers of an object that anybody may have uploaded, and of a URL that is a secret: what is
 * shown in a browser runs no script and has no origin, tells no other site its URL, and is kept by no
 * shared cache.
 */
function describe({ contentType, etag, lastModified }: ObjectMetadata): Record<string, string> {
  return {
    "accept-ranges": "bytes",
    "cache-control": "private, no-cache",
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
    "content-type": contentType,
    "etag": quoteEtag(etag),
    "last-modified": lastModified.toUTCString(),
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
  };
}
