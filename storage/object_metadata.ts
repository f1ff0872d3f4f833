import { ValidationError } from "../core/errors.ts";
import { kindOf } from "../core/shown_value.ts";
import { checkText } from "../core/validation.ts";
import type { StorageBody, UserMetadata } from "./storage.ts";

/** All names and values together: what Amazon S3 allows, 2,048, less what adapters add. */
const MAX_METADATA_BYTES = 1_984;
/** The name that the S3 adapter adds. */
export const RESERVED_METADATA = "exchange-write";
const NAME = /^[a-z0-9][a-z0-9._-]{0,127}$/;
const VALUE = /^[!-~]([ -~]*[!-~])?$/;
/** A type and a subtype of RFC 9110, 8.3.1, then printable ASCII for the parameters. */
const CONTENT_TYPE = /^[\w!#$%&'*+.^`|~-]+\/[\w!#$%&'*+.^`|~-]+( *;[ -~]*)?$/;

/**
 * Returns a copy of the user's metadata if every adapter can keep it unchanged (the rules are at
 * {@linkcode UserMetadata}); throws a `ValidationError` that names the entry otherwise.
 */
export function checkMetadata(metadata: unknown): UserMetadata {
  if (typeof metadata !== "object" || metadata === null || Array.isArray(metadata)) {
    throw new ValidationError("metadata", `it must be an object, got ${kindOf(metadata)}`);
  }
  const entries = Object.entries(metadata).map(([name, value]) => checkEntry(name, value));
  const bytes = entries.reduce((sum, [name, value]) => sum + name.length + value.length, 0);
  if (bytes > MAX_METADATA_BYTES) {
    throw new ValidationError(
      "metadata",
      `names and values must be at most ${MAX_METADATA_BYTES} bytes, got ${bytes}`,
    );
  }
  return Object.fromEntries(entries);
}

/** The media type of an upload; throws a `ValidationError` if it is malformed. */
export function resolveContentType(contentType: unknown, data: StorageBody): string {
  const blobType = data instanceof Blob ? data.type : "";
  return checkContentType(contentType ?? (blobType || "application/octet-stream"));
}

/** Returns the media type; throws a `ValidationError` if it is malformed. */
export function checkContentType(contentType: unknown): string {
  const text = checkText("contentType", contentType, { maxLength: 255 });
  if (CONTENT_TYPE.test(text) && !text.endsWith(" ")) return text;
  throw new ValidationError("contentType", "it must be a media type such as application/json");
}

function checkEntry(name: string, value: unknown): [string, string] {
  if (name === RESERVED_METADATA) throw new ValidationError("metadata", `${name} is reserved`);
  if (!NAME.test(name)) {
    throw new ValidationError(
      "metadata",
      "a name must have 1 to 128 of a-z, 0-9, dot, underscore and hyphen, and begin with a " +
        "letter or a digit",
    );
  }
  const text = checkText(`metadata.${name}`, value, { maxLength: MAX_METADATA_BYTES });
  if (VALUE.test(text)) return [name, text];
  throw new ValidationError(
    `metadata.${name}`,
    "it must be printable ASCII without a space at either end",
  );
}
