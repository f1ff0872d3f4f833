import { parseUrl } from "../core/url_text.ts";

/** Whether this can be the name of a region. */
export function isRegion(text: string): boolean {
  return /^[a-z0-9-]{1,63}$/.test(text);
}

/** Whether this can be a part of an access key: printable ASCII without spaces, as it goes into headers. */
export function isKeyPart(text: string): boolean {
  return /^[!-~]{1,8192}$/.test(text);
}

/** Reads the address of a server, or says what is wrong with it without showing it: it can hold a password. */
export function readServerUrl(text: string): URL | string {
  const url = parseUrl(text);
  if (!url || !/^https?:$/.test(url.protocol) || url.hostname === "") {
    return "it must be a URL such as http://host:port";
  }
  if (url.username !== "" || url.password !== "") {
    return "it must not hold credentials; they have a place of their own";
  }
  if (url.pathname !== "/" || url.search !== "" || url.hash !== "") {
    return "it must end after the port, without path and query";
  }
  // A `?` or `#` with nothing behind it would stay in the text of the URL.
  return new URL(url.origin);
}
