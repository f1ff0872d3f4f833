import { Buffer } from "node:buffer";
import type { DriverResult } from "../driver.ts";

/** The part of the protocol connection of `pg` that a copy uses. */
interface ProtocolConnection {
  query(text: string): void;
  sendCopyFromChunk(chunk: Buffer): void;
  endCopyFrom(): void;
}

/**
 * A `copy … from stdin` with what it reads, as an object that `client.query()` of `pg` submits; `pg`
 * itself answers such a statement with a refusal.
 */
export class CopyQuery {
  /** Settles when the server has answered. */
  readonly result: Promise<DriverResult>;
  readonly #text: string;
  readonly #rows: Uint8Array;
  #command = "";
  #resolve!: (result: DriverResult) => void;
  #reject!: (error: unknown) => void;

  constructor(text: string, rows: Uint8Array) {
    this.#text = text;
    this.#rows = rows;
    this.result = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  /** Sends the statement; the rows follow when the server asks for them. */
  submit(connection: ProtocolConnection): null {
    connection.query(this.#text);
    return null;
  }

  handleCopyInResponse(connection: ProtocolConnection): void {
    const { buffer, byteOffset, byteLength } = this.#rows;
    connection.sendCopyFromChunk(Buffer.from(buffer, byteOffset, byteLength));
    connection.endCopyFrom();
  }

  handleCommandComplete({ text }: { readonly text: string }): void {
    this.#command = text;
  }

  handleError(error: unknown): void {
    this.#reject(error);
  }

  handleReadyForQuery(): void {
    const [command = "", count] = this.#command.split(" ");
    this.#resolve({ rows: [], rowCount: Number(count), command });
  }
}
