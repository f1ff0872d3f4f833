import { ValidationError } from "../../../core/errors.ts";
import { showValue } from "../../../core/shown_value.ts";
import type { RedisKeyKind } from "./script.ts";

/** Turns names into keys of one namespace, which no name can leave. */
export type MakeKey = (kind: RedisKeyKind, name: string) => string;

/**
 * Keys are `<namespace>:<name>` for values, `<namespace>/<kind>:<name>` for all else. The namespace has
 * neither `:` nor `/` in it, so that whatever the name is, no two namespaces or kinds share a key,
 * nor braces, which would put all of it on one node of a cluster.
 *
 * Throws a {@linkcode ValidationError} for a namespace that is not 1 to 64 of `A-Z a-z 0-9 . _ -`.
 */
export function keysOf(namespace: unknown): MakeKey {
  if (typeof namespace !== "string" || !/^[A-Za-z0-9._-]{1,64}$/.test(namespace)) {
    throw new ValidationError(
      "namespace",
      `it must have 1 to 64 of the characters A-Z a-z 0-9 . _ -, got ${showValue(namespace)}`,
    );
  }
  const values = `${namespace}:`;
  return (kind, name) => kind === "value" ? values + name : `${namespace}/${kind}:${name}`;
}
