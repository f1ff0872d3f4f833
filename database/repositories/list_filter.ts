import type { z } from "zod";
import type { CallOptions } from "../../core/call_options.ts";
import type { PageRequest } from "../../core/page.ts";
import { parseInput } from "../../core/validation.ts";

/**
 * Returns the filters among the options of a list: what says neither which page nor how to call.
 * Throws a {@linkcode ValidationError} for one that `schema` does not know, because a filter that
 * is left out in silence shows more than was asked for.
 */
export function parseFilter<Filter extends object>(
  schema: z.ZodType<Filter>,
  options: Filter & PageRequest & CallOptions,
  operation: string,
): Filter {
  const { cursor: _1, limit: _2, withTotal: _3, signal: _4, timeoutMs: _5, ...filter } = options;
  return parseInput(schema, filter, "filter", operation);
}
