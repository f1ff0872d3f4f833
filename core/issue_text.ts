import type { z } from "zod";
import { kindOf, memberPath, showValue } from "./shown_value.ts";

/** The kinds of values that schemas ask for, in words. */
const KINDS: Readonly<Record<string, string>> = {
  array: "an array",
  date: "a valid date",
  int: "an integer",
  number: "a finite number",
  object: "an object",
  record: "an object",
};

/** The formats of text that schemas ask for, in words. */
const FORMATS: Readonly<Record<string, string>> = {
  email: "an e-mail address",
  url: "a URL",
  uuid: "a UUID",
};

/** What the size of a value is counted in. */
const UNITS: Readonly<Record<string, string>> = { array: "items", string: "characters" };

/**
 * Says why a schema refuses a value, in the words of all other errors: `it must be a string, got null`.
 * Text is never shown. Returns `undefined` where the schema's own text is as good.
 */
export function issueText(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case "invalid_type":
      return typeText(issue.expected, issue.input);
    case "too_small":
      return limitText(issue, issue.inclusive ? "at least" : "more than", issue.minimum);
    case "too_big":
      return limitText(issue, issue.inclusive ? "at most" : "less than", issue.maximum);
    case "invalid_format":
      return FORMATS[issue.format] && `it must be ${FORMATS[issue.format]}`;
    case "invalid_value":
      return `it must be one of ${issue.values.join(", ")}`;
    case "invalid_union":
      return Array.isArray(issue.options)
        ? `it must be one of ${issue.options.join(", ")}`
        : undefined;
    case "invalid_key":
      return `its name is refused: ${issue.issues[0]?.message}`;
    case "unrecognized_keys":
      return `it has no field ${memberPath("", issue.keys[0] ?? "")}`;
  }
}

function typeText(expected: string, input: unknown): string {
  const number = expected === "number" || expected === "int";
  const kind = KINDS[expected] ?? `a ${expected}`;
  return `it must be ${kind}, got ${number ? showValue(input) : kindOf(input)}`;
}

function limitText(
  { origin, input }: { readonly origin: string; readonly input?: unknown },
  bound: string,
  limit: number | bigint,
): string {
  const unit = UNITS[origin];
  if (!unit) return `it must be ${bound} ${limit}, got ${showValue(input)}`;
  return `it must have ${bound} ${limit} ${unit}, got ${(input as { length: number }).length}`;
}
