import { validate } from "uuid";
import { z } from "zod";
import type { JsonValue } from "../core/json.ts";
import { kindOf } from "../core/shown_value.ts";
import { textFlaw } from "../core/validation.ts";

/** Text that every store keeps unchanged, with a length in UTF-16 code units. */
export function textField(minLength: number, maxLength: number): z.ZodType<string> {
  return keptUnchanged(z.string().min(minLength).max(maxLength));
}

/** A name in a URL: lower-case letters, digits and single hyphens, at most 100 characters. */
export const slugField: z.ZodType<string> = z.string().max(100).regex(
  /^[a-z0-9]+(-[a-z0-9]+)*$/,
  "it must have lower-case letters, digits and single hyphens only",
);

/** A UUID, in lower case; the same ones that `checkId` takes. */
export const idField: z.ZodType<string> = z.string().refine(validate, "it must be a UUID")
  .transform((id) => id.toLowerCase());

/** Up to 100 different UUIDs. */
export const idsField: z.ZodType<string[]> = z.array(idField).max(100)
  .transform((ids) => [...new Set(ids)]);

/** A number that is neither NaN nor infinite; a negative zero becomes zero, as in JSON. */
export const finiteField: z.ZodType<number> = z.number().transform((number) => number + 0);

/** Up to 50 different tags of 1 to 50 characters. */
export const tagsField: z.ZodType<string[]> = z.array(textField(1, 50)).max(50)
  .transform((tags) => [...new Set(tags)]);

/** A web address. */
export const urlField: z.ZodType<string> = keptUnchanged(
  z.url({ protocol: /^https?$/ }).max(2_000),
);

/** Text to look for. */
export const searchField: z.ZodType<string> = textField(1, 200);

/**
 * Something for JSON. Only its presence is checked here: `encodeJson` looks inside when it is
 * stored, and names the path of what it refuses. (`z.json()` overflows the stack on deep values, and
 * drops a `__proto__` key in silence.)
 */
export const jsonField: z.ZodType<JsonValue> = z.custom<JsonValue>(
  (value) => value !== undefined,
  "it is missing",
);

/** The same, for an object. */
export const jsonObjectField: z.ZodType<Readonly<Record<string, JsonValue>>> = z.custom<
  Readonly<Record<string, JsonValue>>
>((value) => kindOf(value) === "object", "it must be an object");

/**
 * Says what makes `text` unfit for a column besides what `textFlaw` says, or returns `undefined`: PGlite
 * drops a byte order mark at its beginning.
 */
export function columnTextFlaw(text: string): string | undefined {
  return text.startsWith("\ufeff") ? "begins with a byte order mark" : undefined;
}

function keptUnchanged(schema: z.ZodType<string>): z.ZodType<string> {
  return schema.superRefine((text, context) => {
    const flaw = textFlaw(text) ?? columnTextFlaw(text);
    if (flaw) context.addIssue({ code: "custom", message: `it ${flaw}` });
  });
}
