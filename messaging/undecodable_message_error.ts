import { SerializationError, type ValidationError } from "../core/errors.ts";

/** Something arrived on a channel that is not an event. The bytes are kept for whoever looks into it. */
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
