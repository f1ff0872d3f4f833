import { quoteEtag } from "../etag.ts";
import type { Span } from "../range.ts";
import type { ObjectMetadata, UploadOptions } from "../storage.ts";
import { Refusal } from "./refusal.ts";

/** What a GET is answered with: the object, a part of it, or only a status. */
export type Selection =
  | { readonly status: 200 | 304 | 412 | 416 }
  | { readonly status: 206; readonly span: Span };

/**
 * Selects what a GET asks for by `If-Match`, `If-None-Match`, `If-Range` and `Range`, in the order of
 * RFC 9110, 13.2.2. More than one range, and what is no range of bytes, is answered with the whole
 * object, as 14.2 allows.
 */
export function selectPart(
  headers: Headers,
  { etag, size }: Pick<ObjectMetadata, "etag" | "size">,
): Selection {
  const tag = quoteEtag(etag);
  const expected = readTags(headers.get("if-match"));
  if (expected && !expected.some((one) => one === "*" || one === tag)) return { status: 412 };
  const known = readTags(headers.get("if-none-match"));
  if (known?.some((one) => one === "*" || one.replace(/^W\//, "") === tag)) return { status: 304 };
  const ofVersion = headers.get("if-range") ?? tag;
  return ofVersion === tag ? selectRange(headers.get("range"), size) : { status: 200 };
}

/** What a PUT demands of the object that it replaces; throws a {@linkcode Refusal} if that cannot be kept. */
export function writeConditions(headers: Headers): Pick<UploadOptions, "createOnly" | "ifMatch"> {
  const ifNoneMatch = headers.get("if-none-match");
  const ifMatch = headers.get("if-match");
  const [, etag] = /^"([^"]+)"$/.exec(ifMatch ?? "") ?? [];
  const isKept = (ifNoneMatch ?? "*") === "*" && (ifMatch === null || etag !== undefined);
  if (isKept) return { createOnly: ifNoneMatch !== null, ifMatch: etag };
  throw new Refusal(501, 'A PUT can have If-None-Match: * or If-Match: "etag"');
}

function readTags(header: string | null): string[] | undefined {
  return header?.split(",").map((tag) => tag.trim());
}

function selectRange(range: string | null, size: number): Selection {
  const [, first, last] = /^bytes=(\d*)-(\d*)$/.exec(range ?? "") ?? [];
  if (!first && !last) return { status: 200 };
  if (first && last && Number(last) < Number(first)) return { status: 200 };
  const start = first ? Number(first) : Math.max(0, size - Number(last));
  const end = first && last ? Math.min(size, Number(last) + 1) : size;
  return start < end ? { status: 206, span: { start, end } } : { status: 416 };
}
