import { type ErrorCode, InfrastructureError } from "../../core/errors.ts";

/** Ends the handling of a request with an answer that says no. */
export class Refusal extends Error {
  /** The name of this class. */
  override readonly name: string = "Refusal";
  /** The HTTP status. */
  readonly status: number;
  /** Headers of the answer. */
  readonly headers: Readonly<Record<string, string>>;

  /** Creates the refusal; the message is shown to whoever sent the request. */
  constructor(status: number, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message);
    this.status = status;
    this.headers = headers;
  }
}

/** What failures of a storage mean to whoever sent the request. */
const STATUSES: Readonly<Partial<Record<ErrorCode, readonly [number, string]>>> = {
  invalid_input: [400, "The request is malformed"],
  aborted: [400, "The request was aborted"],
  not_found: [404, "There is no such object or bucket"],
  already_exists: [412, "There is an object already"],
  conflict: [412, "The object is not at the expected version"],
  overloaded: [503, "The storage has no room left"],
  resource_exhausted: [503, "The storage has no room left"],
  timeout: [503, "The storage took too long"],
  unavailable: [503, "The storage does not work"],
  closed: [503, "The storage is closed"],
};

/** The answer for whatever was thrown. It shows nothing of an error but what its code means. */
export function refuse(error: unknown): Response {
  const { status, message, headers } = toRefusal(error);
  return new Response(`${message}\n`, {
    status,
    headers: {
      "cache-control": "no-store",
      "content-type": "text/plain; charset=utf-8",
      "x-content-type-options": "nosniff",
      ...headers,
    },
  });
}

function toRefusal(error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  const known = error instanceof InfrastructureError ? STATUSES[error.code] : undefined;
  const [status, message] = known ?? [500, "The storage failed"];
  return new Refusal(status, message);
}
