import { SerializationError, type ValidationError } from "../core/errors.ts";

/**
 * Something arrived on a channel that is not an event. The bytes are kept for whoever looks into it.
 *
 * ```ts
 * import {
 *   decodeEnvelope,
 *   UndecodableMessageError,
 * } from "@benchmark-exchange/infrastructure/messaging";
 *
 * try {
 *   decodeEnvelope("events:user", new TextEncoder().encode("hello"));
 * } catch (error) {
 *   if (!(error instanceof UndecodableMessageError)) throw error;
 *   console.log(error.channel, error.code, error.bytes.length);
 *   // events:user serialization_failed 5
 * }
 * ```
 */
export class UndecodableMessageError extends SerializationError {
  /** Always `UndecodableMessageError`. */
  override readonly name: string = "UndecodableMessageError";
  /** The channel that it arrived on. */
  readonly channel: string;
  // Private, so that printing the error does not print what may be a secret.
  readonly #bytes: Uint8Array;

  /** Creates the error with code `serialization_failed`; `flaw` says what is wrong with the bytes. */
  constructor(channel: string, bytes: Uint8Array, flaw: ValidationError) {
    super(`Cannot decode a message on ${channel}: ${flaw.field}: ${flaw.reason}`, {
      operation: "decode",
      cause: flaw,
    });
    this.channel = channel;
    this.#bytes = bytes;
  }

  /** What arrived, unchanged. */
  get bytes(): Uint8Array {
    return this.#bytes;
  }
}
