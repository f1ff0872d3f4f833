import type { ErrorCode } from "../../../core/errors.ts";

/** Why a request to the server did not succeed; it never leaves the adapter. */
export interface FailureDetails {
  /** The status of the answer; none if there was none. */
  readonly status?: number | undefined;
  /** The name that the server gives the failure, such as `NoSuchKey`, or the system, such as `ECONNREFUSED`. */
  readonly name?: string | undefined;
  /** How long the server asks to wait, in milliseconds. */
  readonly retryAfterMs?: number | undefined;
  /** What the clock of the server says, in milliseconds since the Unix epoch. */
  readonly serverMs?: number | undefined;
  /** Where the bucket is, if the server says so. */
  readonly region?: string | undefined;
  /** What went wrong on the way, for who has no status. */
  readonly why?: string;
}

/** A request that did not succeed: refused by the server, or lost on the way. */
export class S3Failure extends Error {
  /** The name of this class. */
  override readonly name: string = "S3Failure";
  /** The status of the answer. */
  readonly status: number | undefined;
  /** What the server or the system calls it. */
  readonly reason: string;
  /** How long the server asks to wait, in milliseconds. */
  readonly retryAfterMs: number;
  /** What the clock of the server says. */
  readonly serverMs: number | undefined;
  /** Whether this attempt or one before it may have done what the server was asked to. */
  mayHaveWorked = false;

  /** Creates the failure. */
  constructor({ status, name = "", region = "", why = "", ...times }: FailureDetails) {
    const reason = /^[\w.]{1,100}$/.test(name) ? name : "";
    const place = /^[a-z0-9-]{1,63}$/.test(region) && status !== undefined && status < 500
      ? `; the bucket is in ${region}`
      : "";
    super(
      status === undefined
        ? withReason(why, reason)
        : `${`the server answered ${status} ${reason}`.trim()}${place}`,
    );
    this.status = status;
    this.reason = reason;
    this.retryAfterMs = times.retryAfterMs ?? 0;
    this.serverMs = times.serverMs;
  }

  /** Whether the object is not what a conditional request demands. */
  get isConditional(): boolean {
    return this.status === 412;
  }

  /** Whether the server asks for fewer requests. */
  get isThrottling(): boolean {
    return this.status === 429 || this.status === 503 || THROTTLING.has(this.reason);
  }

  /** Whether the same request can succeed in a moment. */
  get isTransient(): boolean {
    const { status } = this;
    return status === undefined || status === 408 ||
      status >= 500 && status !== 501 && status !== 507 ||
      this.isThrottling || TRANSIENT.has(this.reason);
  }

  /** Whether the server has certainly not done what it was asked to. */
  get isRefusal(): boolean {
    return this.status === undefined
      ? NEVER_SENT.has(this.reason)
      : this.status >= 300 && this.status < 500 && this.status !== 408 ||
        this.status === 501 || this.status === 507;
  }

  /** What it is called in errors of this library. */
  get code(): ErrorCode {
    const { status, reason } = this;
    const named = CODES[reason];
    if (named) return named;
    if (status === undefined) return "unavailable";
    if (this.isThrottling) return "overloaded";
    if (status === 501) return "unsupported";
    if (status === 507) return "resource_exhausted";
    if (status >= 500 || status === 408) return "unavailable";
    if (status < 400) return "configuration_invalid";
    return STATUS_CODES[status] ?? "internal";
  }
}

/** What a failure is whatever it says, if it is one of the server or of the way to it. */
export function asFailure(error: unknown): S3Failure | undefined {
  return error instanceof S3Failure ? error : undefined;
}

/** The failure of the network that `fetch` threw; only the code of the system is kept, for texts show URLs. */
export function networkFailure(error: unknown): S3Failure {
  let name: string | undefined;
  for (let cause = error; cause instanceof Error && name === undefined; cause = cause.cause) {
    const { code } = cause as { code?: unknown };
    if (typeof code === "string") name = code;
  }
  return new S3Failure({ name, why: "the connection failed" });
}

function withReason(why: string, reason: string): string {
  return reason === "" ? why : `${why} (${reason})`;
}

const THROTTLING = new Set(["SlowDown", "TooManyRequests", "RequestLimitExceeded", "Throttling"]);

/** Names that ask for another attempt though their status does not; see "Error responses" of Amazon S3. */
const TRANSIENT = new Set([
  "RequestTimeout",
  "RequestTimeTooSkewed",
  "OperationAborted",
  "ConditionalRequestConflict",
  "ConcurrentModification",
  "InternalError",
  "BadDigest",
  "XAmzContentSHA256Mismatch",
  "IncompleteBody",
]);

/** Codes of the system for connections that never came about. */
const NEVER_SENT = new Set(["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "EHOSTUNREACH"]);

const STATUS_CODES: Readonly<Record<number, ErrorCode>> = {
  401: "unauthenticated",
  403: "permission_denied",
  404: "not_found",
  409: "conflict",
  412: "conflict",
};

const CODES: Readonly<Record<string, ErrorCode>> = {
  SignatureDoesNotMatch: "unauthenticated",
  InvalidAccessKeyId: "unauthenticated",
  ExpiredToken: "unauthenticated",
  InvalidToken: "unauthenticated",
  RequestTimeTooSkewed: "unauthenticated",
  RequestTimeout: "unavailable",
  AuthorizationHeaderMalformed: "configuration_invalid",
  QuotaExceeded: "resource_exhausted",
  EntityTooLarge: "resource_exhausted",
  XMinioStorageFull: "resource_exhausted",
  BucketAlreadyExists: "already_exists",
};
