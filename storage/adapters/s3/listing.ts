import type { StorageCall } from "../../call.ts";
import { unquoteEtag } from "../../etag.ts";
import { type ListRequest, writeCursor } from "../../listing.ts";
import { keyFromBytes, keyToBytes, RESERVED_PREFIX } from "../../object_key.ts";
import type { ObjectPage, ObjectSummary } from "../../storage.ts";
import type { S3Server } from "./server.ts";

/** Which page a server is asked for. */
export interface PageRequest {
  /** What every key begins with. */
  readonly prefix: string;
  /** Where the page before ended, in the server's words. */
  readonly token?: string | undefined;
  /** Whether to fold what lies deeper into common prefixes. Default: `false`. */
  readonly folded?: boolean;
  /** The most names of a page. Default: 1,000. */
  readonly limit?: number;
}

/** A page as a server gives it, also with objects that are the library's own. */
export interface ServerPage {
  /** The objects. */
  readonly items: readonly ObjectSummary[];
  /** The common prefixes. */
  readonly prefixes: readonly string[];
  /** Where the next page begins, in the server's words; none if this is the last one. */
  readonly token: string | undefined;
}

/** Lists one page with one request. The cursor is the token of the server. */
export async function listObjects(
  call: StorageCall,
  server: S3Server,
  bucket: string,
  { prefix, after, folded, limit }: ListRequest,
): Promise<ObjectPage> {
  const page = await readPage(call, server, bucket, {
    prefix: keyFromBytes(prefix),
    token: after === "" ? undefined : keyFromBytes(after),
    folded,
    limit,
  });
  return {
    items: page.items.filter(({ key }) => !key.startsWith(RESERVED_PREFIX)),
    prefixes: page.prefixes.filter((name) => !name.startsWith(RESERVED_PREFIX)),
    ...(page.token ? { nextCursor: writeCursor(keyToBytes(page.token)) } : {}),
  };
}

/** Reads one page with one request. */
export async function readPage(
  call: StorageCall,
  server: S3Server,
  bucket: string,
  { prefix, token, folded = false, limit = 1_000 }: PageRequest,
): Promise<ServerPage> {
  const page = await server.command(call.signal, (sdk) =>
    new sdk.ListObjectsV2Command({
      Bucket: bucket,
      Prefix: prefix,
      MaxKeys: limit,
      // XML cannot hold all characters that keys can.
      EncodingType: "url",
      ...(folded ? { Delimiter: "/" } : {}),
      ...(token === undefined ? {} : { ContinuationToken: token }),
    }));
  const decode = page.EncodingType === "url" ? decodeName : (name: string) => name;
  return {
    items: (page.Contents ?? []).map(({ Key, Size, ETag, LastModified }): ObjectSummary => ({
      key: decode(Key ?? ""),
      size: Size ?? 0,
      etag: unquoteEtag(ETag ?? ""),
      lastModified: LastModified ?? new Date(0),
    })),
    prefixes: (page.CommonPrefixes ?? []).map(({ Prefix }) => decode(Prefix ?? "")),
    token: page.IsTruncated && page.NextContinuationToken || undefined,
  };
}

/** Amazon writes a space as a plus, others as `%20`. */
function decodeName(name: string): string {
  return decodeURIComponent(name.replaceAll("+", "%20"));
}
