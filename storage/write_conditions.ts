import { objectExists, otherVersion, type StorageOperation } from "./failures.ts";

/** What a write demands of the object that it replaces. */
export interface WriteConditions {
  /** Whether the key must not exist yet. */
  readonly createOnly: boolean;
  /** The etag that the object must have. */
  readonly ifMatch: string | undefined;
}

/** Demands nothing. */
export const UNCONDITIONAL: WriteConditions = { createOnly: false, ifMatch: undefined };

/** Whether anything is demanded. */
export function isConditional({ createOnly, ifMatch }: WriteConditions): boolean {
  return createOnly || ifMatch !== undefined;
}

/** Throws unless an object with this etag may be written over; `undefined` means that there is none. */
export function checkConditions(
  operation: StorageOperation,
  etag: string | undefined,
  { createOnly, ifMatch }: WriteConditions,
): void {
  if (createOnly && etag !== undefined) throw objectExists(operation);
  if (ifMatch !== undefined && etag !== ifMatch) throw otherVersion(operation);
}
