import { type CallOptions, checkCallOptions } from "../core/call_options.ts";
import { ValidationError } from "../core/errors.ts";
import { kindOf, showValue } from "../core/shown_value.ts";
import { checkInteger, checkText } from "../core/validation.ts";
import { checkSegment } from "./channel_rules.ts";
import type { JoinRequest } from "./stream_driver.ts";
import type { ReaderOptions, StreamStart } from "./streams.ts";

/** How many ids one call takes. */
const MAX_IDS = 1_000;

/** The longest position, and the longest id of a dead letter, in characters. */
const MAX_POSITION = 200;

/** Checks how a reader wants to join; throws a `ValidationError` that names the option. */
export function checkJoin(options: ReaderOptions, defaultFrom: StreamStart): JoinRequest {
  if (typeof options !== "object" || options === null) {
    throw new ValidationError("options", `they must name a group, got ${kindOf(options)}`);
  }
  checkCallOptions(options);
  const { group, from = defaultFrom, takeOverMs = 30_000 } = options;
  return {
    group: checkSegment("group", group),
    from: checkStart(from),
    takeOverMs: checkInteger("takeOverMs", takeOverMs, { min: 100, max: 86_400_000 }),
  };
}

/** Returns `from` if it says where to begin; throws a `ValidationError` that names it otherwise. */
export function checkStart(from: unknown): StreamStart {
  if (from === "beginning" || from === "end") return from;
  const { after, since } = Object(from) as { after?: unknown; since?: unknown };
  if (after !== undefined) return { after: checkText("from.after", after, POSITION) };
  if (since instanceof Date) {
    if (!Number.isNaN(since.getTime())) return { since };
    throw new ValidationError("from.since", "it must be a valid date");
  }
  throw new ValidationError(
    "from",
    `it must be "beginning", "end", { after } or { since }, got ${showValue(from)}`,
  );
}

/** Returns the ids without repetitions; refuses an empty list and more than 1,000 of them. */
export function checkIds(ids: unknown): string[] {
  if (!Array.isArray(ids)) {
    throw new ValidationError("ids", `they must be an array, got ${kindOf(ids)}`);
  }
  if (ids.length < 1 || ids.length > MAX_IDS) {
    throw new ValidationError("ids", `they must be 1 to ${MAX_IDS}, got ${ids.length}`);
  }
  return [...new Set(ids.map((id, i) => checkText(`ids[${i}]`, id, POSITION)))];
}

/** Which page of dead letters is asked for. */
export function checkLetterPage(
  options: CallOptions & { readonly limit?: unknown; readonly after?: unknown },
): { readonly limit: number; readonly after: string | undefined } {
  const { limit = 100, after } = options;
  return {
    limit: checkInteger("limit", limit, { min: 1, max: 1_000 }),
    after: after === undefined ? undefined : checkText("after", after, POSITION),
  };
}

const POSITION = { maxLength: MAX_POSITION };
