import { hashedStream, requireDigest } from "../../hashed_stream.ts";
import type { Span } from "../../range.ts";
import type { ObjectMetadata, ObjectStream, UserMetadata } from "../../storage.ts";

type Body = ObjectStream["body"];

/** The name under which every object records its SHA-256; users do not see it. */
export const RECORD = "exchange-sha256";

/** The digest that the object records; none if it was not written through the replicated provider. */
export function recordedDigest({ metadata }: ObjectMetadata): string | undefined {
  return metadata[RECORD];
}

/** What the user attached. */
export function userMetadata({ metadata }: ObjectMetadata): UserMetadata {
  const { [RECORD]: _, ...rest } = metadata;
  return rest;
}

/** The metadata as the user sees it. */
export function shownMetadata(metadata: ObjectMetadata): ObjectMetadata {
  return { ...metadata, metadata: userMetadata(metadata) };
}

/**
 * The body of what was opened, which fails in the place of its last bytes unless it has the recorded digest. What has
 * no record, and a part of an object, is passed on as it is.
 */
export function checkedBody({ metadata, body }: ObjectStream, { start, end }: Span): Body {
  const expected = recordedDigest(metadata);
  if (expected === undefined || start > 0 || end < metadata.size) return body;
  return hashedStream(body, (actual) => requireDigest("download", actual, expected));
}
