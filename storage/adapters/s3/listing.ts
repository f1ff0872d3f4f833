import type { StorageCall } from "../../call.ts";
import type { ListRequest } from "../../listing.ts";
import { keyFromBytes, keyToBytes, RESERVED_PREFIX } from "../../object_key.ts";
import type { ObjectPage, ObjectSummary } from "../../storage.ts";
import { writeCursor } from "../../listing.ts";
import { unquoted } from "./object_headers.ts";
import type { S3Server } from "./server.ts";

/** Lists one page with one request. The cursor is the token of the server. */
export async function listObjects(
  call: StorageCall,
  server: S3Server,
  bucket: string,
  { prefix, after, folded, limit }: ListRequest,
): Promise<ObjectPage> {
  const page = await server.command(call.signal, (client, sdk) =>
    client.send(
      new sdk.ListObjectsV2Command({
        Bucket: bucket,
        Prefix: keyFromBytes(prefix),
        MaxKeys: limit,
        // XML cannot hold all characters that keys can.
        EncodingType: "url",
        ...(folded ? { Delimiter: "/" } : {}),
        ...(after === "" ? {} : { ContinuationToken: keyFromBytes(after) }),
      }),
      { abortSignal: call.signal },
    ));
  const decode = page.EncodingType === "url" ? decodeName : (name: string) => name;
  const { IsTruncated, NextContinuationToken: token } = page;
  return {
    items: (page.Contents ?? []).map((item): ObjectSummary => ({
      key: decode(item.Key ?? ""),
      size: item.Size ?? 0,
      etag: unquoted(item.ETag ?? ""),
      lastModified: item.LastModified ?? new Date(0),
    })).filter(({ key }) => !key.startsWith(RESERVED_PREFIX)),
    prefixes: (page.CommonPrefixes ?? []).map(({ Prefix }) => decode(Prefix ?? ""))
      .filter((name) => !name.startsWith(RESERVED_PREFIX)),
    ...(IsTruncated && token ? { nextCursor: writeCursor(keyToBytes(token)) } : {}),
  };
}

/** Amazon writes a space as a plus, others as `%20`. */
function decodeName(name: string): string {
  return decodeURIComponent(name.replaceAll("+", "%20"));
}
