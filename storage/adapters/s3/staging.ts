import { RESERVED_PREFIX } from "../../object_key.ts";

/** What the keys of objects begin with that are written and not yet what they should be. */
export const STAGING_PREFIX = `${RESERVED_PREFIX}staging/`;
/** What the keys of objects begin with that only measure the server. */
export const PROBE_PREFIX = `${RESERVED_PREFIX}probe/`;

/** A key for an object until its metadata is known. */
export function stagingKey(): string {
  return STAGING_PREFIX + crypto.randomUUID();
}

/** A key for an object that measures the server. */
export function probeKey(): string {
  return PROBE_PREFIX + crypto.randomUUID();
}
