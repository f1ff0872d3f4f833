import { ValidationError } from "../core/errors.ts";
import { kindOf } from "../core/shown_value.ts";
import { checkInteger, checkText } from "../core/validation.ts";
import { checkObjectPrefix, keyFromBytes, keyToBytes, MAX_OBJECT_KEY_BYTES } from "./object_key.ts";
import type {
  IterateOptions,
  ListOptions,
  ObjectPage,
  ObjectSummary,
  StorageProvider,
} from "./storage.ts";

/** Servers do not say how long their cursors are; those of Ceph are a key. */
const MAX_CURSOR_LENGTH = 8 * MAX_OBJECT_KEY_BYTES;

/** What to list, its input checked; names are in the form of {@linkcode keyToBytes}. */
export interface ListRequest {
  /** What every name begins with. */
  readonly prefix: string;
  /** Only names after this one; empty at the start. */
  readonly after: string;
  /** Whether to fold what lies deeper into common prefixes. */
  readonly folded: boolean;
  /** The most names that a page holds. */
  readonly limit: number;
}

/** Checks the input of a listing. */
export function checkListing(options: ListOptions): ListRequest {
  const { prefix = "", limit = 1_000, delimiter, cursor } = options;
  checkInteger("limit", limit, { min: 1, max: 1_000 });
  if (delimiter !== undefined && delimiter !== "/") {
    throw new ValidationError("delimiter", `it must be a slash, got ${kindOf(delimiter)}`);
  }
  return {
    prefix: keyToBytes(checkObjectPrefix("prefix", prefix)),
    after: cursor === undefined ? "" : readCursor(cursor),
    folded: delimiter !== undefined,
    limit,
  };
}

/**
 * Fills one page from names in order: keys, and common prefixes, which end with a slash. A key
 * whose object `summarize` does not find any more is left out.
 */
export async function fillPage(
  names: AsyncIterable<string> | Iterable<string>,
  limit: number,
  summarize: (keys: readonly string[]) => Promise<readonly (ObjectSummary | undefined)[]>,
): Promise<ObjectPage> {
  const taken: string[] = [];
  let nextCursor: string | undefined;
  for await (const name of names) {
    if (taken.length === limit) {
      nextCursor = writeCursor(taken[limit - 1] as string);
      break;
    }
    taken.push(name);
  }
  const keys = taken.filter((name) => !name.endsWith("/")).map(keyFromBytes);
  const summaries = await summarize(keys);
  return {
    items: summaries.filter((summary) => summary !== undefined),
    prefixes: taken.filter((name) => name.endsWith("/")).map(keyFromBytes),
    ...(nextCursor === undefined ? {} : { nextCursor }),
  };
}

/** Goes through a listing page by page. */
export async function* iteratePages(
  storage: Pick<StorageProvider, "listObjects">,
  bucket: string,
  options: IterateOptions,
): AsyncIterableIterator<ObjectSummary> {
  let cursor: string | undefined;
  do {
    const page = await storage.listObjects(bucket, { ...options, ...(cursor && { cursor }) });
    yield* page.items;
    cursor = page.nextCursor;
  } while (cursor !== undefined);
}

/** The common prefix that folds the key, or `undefined` if it lies directly below `prefix`. */
export function commonPrefix(key: string, prefix: string): string | undefined {
  const slash = key.indexOf("/", prefix.length);
  return slash < 0 ? undefined : key.slice(0, slash + 1);
}

// The name in hexadecimal: opaque enough, and safe in a URL.
/** A cursor that stands for a name in the form of {@linkcode keyToBytes}. */
export function writeCursor(name: string): string {
  return Array.from(name, (byte) => byte.charCodeAt(0).toString(16).padStart(2, "0")).join("");
}

function readCursor(cursor: string): string {
  checkText("cursor", cursor, { maxLength: MAX_CURSOR_LENGTH });
  if (!/^(?:[0-9a-f]{2})+$/.test(cursor)) {
    throw new ValidationError("cursor", "it must be the nextCursor of a page");
  }
  return cursor.replace(/../g, (byte) => String.fromCharCode(parseInt(byte, 16)));
}
