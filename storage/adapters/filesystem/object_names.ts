import { keyToBytes } from "../../object_key.ts";

/**
 * How keys become paths. Each segment of a key becomes one or more names, so that a directory holds
 * what a prefix ending with a slash holds, and a listing reads only the directories that it needs:
 *
 * - `a/b` is the file `b@` in the directory `a`, and the object `a` beside it is the file `a@`;
 * - bytes other than `a-z 0-9 _ -` and inner dots are written as `%` and two hexadecimal digits,
 *   capitals too, so file systems that fold case or Unicode keep keys apart;
 * - of each 80 bytes of a longer segment a directory ending with `+` is made, since a name can
 *   have 255 bytes at most. A name that would be empty is `=`.
 *
 * The texts are in the form of {@linkcode keyToBytes}: one character for each byte.
 */
const CHUNK_BYTES = 80;

/** What a directory entry stands for. */
export interface DecodedName {
  /** Whether it is an object, and so a file, or a directory. */
  readonly kind: "object" | "directory";
  /** What it adds to the text of its directory; ends with `/` where a segment ends. */
  readonly text: string;
}

/** The names from the directory of the bucket to the file of the object. */
export function objectNames(key: string): string[] {
  const segments = keyToBytes(key).split("/");
  return segments.flatMap((segment, i) => {
    const names: string[] = [];
    let rest = segment;
    // A segment of exactly 80 bytes is split too: all that begins alike must lie in one directory.
    for (; rest.length >= CHUNK_BYTES; rest = rest.slice(CHUNK_BYTES)) {
      names.push(`${encodeName(rest.slice(0, CHUNK_BYTES))}+`);
    }
    return [...names, encodeName(rest) + (i === segments.length - 1 ? "@" : "")];
  });
}

/** What a directory entry stands for; `undefined` if {@linkcode objectNames} never made it. */
export function decodeName(name: string): DecodedName | undefined {
  const mark = /[@+]$/.exec(name)?.[0] ?? "";
  const encoded = name.slice(0, name.length - mark.length);
  const text = encoded.replace(/^=$|%([0-9a-f]{2})/g, (_, hex?: string) => {
    return hex === undefined ? "" : String.fromCharCode(parseInt(hex, 16));
  });
  const whole = mark === "+" ? text.length === CHUNK_BYTES : text.length < CHUNK_BYTES;
  if (encodeName(text) !== encoded || !whole || text.includes("/")) return undefined;
  if (mark === "@") return { kind: "object", text };
  return { kind: "directory", text: mark === "+" ? text : `${text}/` };
}

function encodeName(text: string): string {
  // A dot in front is escaped, for a name must never be `.` or `..`.
  return text.replace(/^\.|[^a-z0-9._-]/g, (byte) => {
    return `%${byte.charCodeAt(0).toString(16).padStart(2, "0")}`;
  }) || "=";
}
