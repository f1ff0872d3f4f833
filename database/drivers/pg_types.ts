import type pg from "pg";
import types from "pg-types";
import { parseTimestamp } from "../timestamp.ts";

type Parse = (text: string) => unknown;

/**
 * By the object id of the type, as the driver port says; the rest keeps the parsers of `pg`, which are a package of
 * their own, so that other drivers need not load the client.
 */
const PARSERS: ReadonlyMap<number, Parse> = new Map<number, Parse>([
  // int8, date, timestamptz, and arrays of these and of numeric.
  [20, Number],
  [1082, String],
  [1184, parseTimestamp],
  [1016, arrayOf(Number)],
  [1182, arrayOf(String)],
  [1185, arrayOf(parseTimestamp)],
  [1231, arrayOf(String)],
]);

/** How `pg` reads the values of a result. */
export const PG_TYPES: pg.CustomTypesConfig = {
  getTypeParser:
    ((id: number, format?: "text" | "binary") =>
      PARSERS.get(id) ?? types.getTypeParser(id, format)) as pg.CustomTypesConfig[
        "getTypeParser"
      ],
};

/** Of types that are text anyway, nothing has to be parsed. */
const TEXT_TYPES: ReadonlySet<number> = new Set([25, 1043, 1700, 2950]);

/** How a value of a type is read from its text; `undefined` keeps the text. */
export function textParser(typeId: number): Parse | undefined {
  return TEXT_TYPES.has(typeId) ? undefined : PG_TYPES.getTypeParser(typeId, "text");
}

function arrayOf(parse: Parse): Parse {
  // The object id of text[].
  const parseTexts = types.getTypeParser(1009 as number) as Parse;
  const convert = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(convert);
    return value === null ? null : parse(String(value));
  };
  return (text) => convert(parseTexts(text));
}
