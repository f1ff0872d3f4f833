import type { Clock } from "../../../core/clock.ts";
import { ValidationError } from "../../../core/errors.ts";
import { kindOf } from "../../../core/shown_value.ts";
import { isKeyPart } from "../../s3_rules.ts";

/** An access key of an S3 server. */
export interface S3Credentials {
  /** The name of the key. */
  readonly accessKeyId: string;
  /** Its secret. */
  readonly secretAccessKey: string;
  /** Belongs to temporary keys. */
  readonly sessionToken?: string | undefined;
  /** When a temporary key ends; the function is asked for another one a minute before. Default: it is asked each time. */
  readonly expiration?: Date | undefined;
}

/** Gets the key to sign with. */
export type GetCredentials = () => Promise<S3Credentials>;

/** How long before its end a key is not used any more. */
const MARGIN_MS = 60_000;

/**
 * Gets checked credentials: those given, or those that the function gives, asked for once by all who need
 * them at the same time. Throws a `ValidationError` that names what is missing, without showing anything.
 */
export function usableCredentials(
  source: S3Credentials | (() => S3Credentials | Promise<S3Credentials>),
  clock: Clock,
): GetCredentials {
  if (typeof source !== "function") {
    const credentials = Promise.resolve(checkCredentials(source));
    return () => credentials;
  }
  let current: Promise<S3Credentials> | undefined;
  let usedUntilMs = 0;
  return () => {
    if (current && clock.now() < usedUntilMs) return current;
    usedUntilMs = Infinity;
    const asked = Promise.resolve().then(source).then(checkCredentials);
    current = asked;
    asked.then(
      ({ expiration }) => usedUntilMs = expiration ? expiration.getTime() - MARGIN_MS : 0,
      () => usedUntilMs = 0,
    );
    return asked;
  };
}

function checkCredentials(credentials: unknown): S3Credentials {
  if (typeof credentials !== "object" || credentials === null) {
    throw new ValidationError(
      "credentials",
      `they must be an access key or a function that gets one, got ${kindOf(credentials)}`,
    );
  }
  const { accessKeyId, secretAccessKey, sessionToken, expiration } = credentials as S3Credentials;
  const end = expiration === undefined ? {} : { expiration: checkDate(expiration) };
  return {
    accessKeyId: checkPart("accessKeyId", accessKeyId),
    secretAccessKey: checkPart("secretAccessKey", secretAccessKey),
    ...(sessionToken === undefined
      ? {}
      : { sessionToken: checkPart("sessionToken", sessionToken) }),
    ...end,
  };
}

function checkPart(name: string, text: unknown): string {
  if (typeof text === "string" && isKeyPart(text)) return text;
  throw new ValidationError(`credentials.${name}`, "it must be printable ASCII without spaces");
}

function checkDate(date: unknown): Date {
  if (date instanceof Date && !Number.isNaN(date.getTime())) return date;
  throw new ValidationError("credentials.expiration", "it must be a valid Date");
}
