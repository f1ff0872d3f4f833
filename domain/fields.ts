import { z } from "zod";
import { textFlaw } from "../core/validation.ts";

/** Text that every store keeps unchanged, with a length in UTF-16 code units. */
export function textField(minLength: number, maxLength: number): z.ZodType<string> {
  return z.string().min(minLength).max(maxLength).superRefine((text, context) => {
    const flaw = textFlaw(text);
    if (flaw) context.addIssue({ code: "custom", message: `it ${flaw}` });
  });
}

/** A name in a URL: lower-case letters, digits and single hyphens, at most 100 characters. */
export const slugField: z.ZodType<string> = z.string().max(100).regex(
  /^[a-z0-9]+(-[a-z0-9]+)*$/,
  "it must have lower-case letters, digits and single hyphens only",
);

/** A UUID, in lower case. */
export const idField: z.ZodType<string> = z.guid().transform((id) => id.toLowerCase());

/** A number that is neither NaN nor infinite. */
export const finiteField: z.ZodType<number> = z.number();

/** Up to 50 different tags of 1 to 50 characters. */
export const tagsField: z.ZodType<string[]> = z.array(textField(1, 50)).max(50)
  .transform((tags) => [...new Set(tags)]);

/** A web address. */
export const urlField: z.ZodType<string> = z.url({ protocol: /^https?$/ }).max(2_000);
