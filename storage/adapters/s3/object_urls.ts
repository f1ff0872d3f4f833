/**
 * Where buckets and objects of a server are on the web. With `path`, the bucket is the first part of the path;
 * with `virtual-host`, it is the first label of the host name, unless it has a dot, which no wildcard
 * certificate fits, or the server has no name, but an IP address.
 */
export class ObjectUrls {
  readonly #endpoint: URL;
  readonly #addressing: "path" | "virtual-host";

  /** Creates the URLs below an endpoint, which has neither path nor query. */
  constructor(endpoint: URL, addressing: "path" | "virtual-host") {
    this.#endpoint = endpoint;
    this.#addressing = addressing;
  }

  /** The URL of an object, of a bucket without a key, and of the server without a bucket. */
  of(bucket?: string, key?: string): URL {
    const url = new URL(this.#endpoint);
    const path = key === undefined ? "" : encodeKey(key);
    if (bucket === undefined) return url;
    if (this.#addressing === "virtual-host" && addToHost(url, bucket)) {
      url.pathname = `/${path}`;
    } else {
      url.pathname = path === "" ? `/${bucket}` : `/${bucket}/${path}`;
    }
    return url;
  }
}

/** Puts the bucket before the host name; `false` where that is not possible, such as before an IP address. */
function addToHost(url: URL, bucket: string): boolean {
  if (bucket.includes(".")) return false;
  const hostname = `${bucket}.${url.hostname}`;
  // A name that is not valid is ignored without a word.
  url.hostname = hostname;
  return url.hostname === hostname;
}

/** A key as it stands in a path: all but the unreserved characters of RFC 3986 and slashes in percent encoding. */
export function encodeKey(key: string): string {
  return key.split("/").map(encodeStrictly).join("/");
}

/** A query whose names and values are encoded as signatures want them. */
export function encodeQuery(query: Readonly<Record<string, string>>): string {
  return Object.entries(query)
    .map(([name, value]) => `${encodeStrictly(name)}=${encodeStrictly(value)}`)
    .join("&");
}

/** `encodeURIComponent` leaves five characters alone that signatures encode. */
function encodeStrictly(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
