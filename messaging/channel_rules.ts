import { kindOf } from "../core/shown_value.ts";
import { checkText, findCharacter } from "../core/validation.ts";
import { ValidationError } from "../core/errors.ts";

/** The longest channel and the longest pattern, in characters. */
const MAX_LENGTH = 200;

/** The most channels that one call takes. */
const MAX_CHANNELS = 1_000;

const SEGMENT = /^[A-Za-z0-9._-]+$/;
const CHANNEL = /^[A-Za-z0-9._-]+(?::[A-Za-z0-9._-]+)*$/;
const PATTERN = /^[A-Za-z0-9._*-]+(?::[A-Za-z0-9._*-]+)*$/;
/** A text without one of these can be shown: what is wrong with it is the order. */
const FOREIGN = /[^A-Za-z0-9._:*-]/;

/**
 * Returns `value` if it is one segment of a channel, such as the id in `events:benchmark:123`:
 * ASCII letters, digits, `.`, `_` and `-`, at most 100 of them.
 *
 * That is what every broker takes literally: no separator, no wildcard (`*` `?` `[` `>` `#`), no
 * white space, no control character. Throws a {@linkcode ValidationError} that names `field` otherwise.
 */
export function checkSegment(field: string, value: unknown): string {
  return checkSyntax(field, value, {
    syntax: SEGMENT,
    maxLength: 100,
    rule: 'it must have only ASCII letters, digits, ".", "_" and "-"',
  });
}

/**
 * Returns `value` if it is a channel: one or more segments joined by `:`, at most 200 characters.
 * Throws a {@linkcode ValidationError} that names `field` otherwise.
 */
export function checkChannel(field: string, value: unknown): string {
  return checkSyntax(field, value, {
    syntax: CHANNEL,
    maxLength: MAX_LENGTH,
    rule: 'it must be segments of ASCII letters, digits, ".", "_" and "-", joined by ":"',
  });
}

/** Returns the channels without repetitions; refuses an empty list and more than 1,000 channels. */
export function checkChannels(field: string, values: unknown): string[] {
  if (!Array.isArray(values)) {
    throw new ValidationError(field, `it must be an array of channels, got ${kindOf(values)}`);
  }
  if (values.length < 1 || values.length > MAX_CHANNELS) {
    throw new ValidationError(
      field,
      `it must have 1 to ${MAX_CHANNELS} channels, got ${values.length}`,
    );
  }
  return [...new Set(values.map((value, i) => checkChannel(`${field}[${i}]`, value)))];
}

/**
 * Returns `value` if it is a pattern: a channel in which `*` stands for any characters, also for
 * none and also for `:`. There is no other wildcard and no escape.
 * Throws a {@linkcode ValidationError} that names `field` otherwise.
 */
export function checkPattern(field: string, value: unknown): string {
  return checkSyntax(field, value, {
    syntax: PATTERN,
    maxLength: MAX_LENGTH,
    rule: 'it must be a channel with "*" as its only wildcard',
  });
}

/**
 * Returns a function that says whether a channel matches `pattern` as a whole. It never goes back
 * in the text, so no pattern is slow. `events:benchmark:*` matches `events:benchmark:1` and
 * `events:benchmark:1:results`, but not `events:benchmark`.
 */
export function patternMatcher(pattern: string): (channel: string) => boolean {
  const [first = "", ...rest] = pattern.split("*");
  const last = rest.pop();
  if (last === undefined) return (channel) => channel === pattern;
  return (channel) => {
    const end = channel.length - last.length;
    if (end < first.length || !channel.startsWith(first) || !channel.endsWith(last)) return false;
    let position = first.length;
    for (const part of rest) {
      const found = channel.indexOf(part, position);
      if (found < 0 || found + part.length > end) return false;
      position = found + part.length;
    }
    return true;
  };
}

interface Syntax {
  readonly syntax: RegExp;
  readonly maxLength: number;
  readonly rule: string;
}

function checkSyntax(field: string, value: unknown, { syntax, maxLength, rule }: Syntax): string {
  const text = checkText(field, value, { maxLength });
  if (syntax.test(text)) return text;
  throw new ValidationError(
    field,
    `${rule}, got ${findCharacter(text, FOREIGN) ?? JSON.stringify(text)}`,
  );
}
