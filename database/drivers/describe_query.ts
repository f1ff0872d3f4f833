import type { DriverColumn } from "../driver.ts";

/** The part of the protocol connection of `pg` that a description uses. */
interface ProtocolConnection {
  parse(query: { text: string; name: string; types: number[] }): void;
  describe(target: { type: "S"; name: string }): void;
  sync(): void;
}

/** The columns of a statement, as `pg` hands them over. */
interface RowDescription {
  readonly fields: readonly { readonly name: string; readonly dataTypeID: number }[];
}

/**
 * Has the server parse a statement and describe it, but not run it, as an object that `client.query()`
 * of `pg` submits; `pg` itself has no such call.
 */
export class DescribeQuery {
  /** Settles when the server has answered; empty for a statement without columns. */
  readonly columns: Promise<readonly DriverColumn[]>;
  readonly #text: string;
  #found: DriverColumn[] = [];
  #resolve!: (columns: DriverColumn[]) => void;
  #reject!: (error: unknown) => void;

  constructor(text: string) {
    this.#text = text;
    this.columns = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  submit(connection: ProtocolConnection): null {
    connection.parse({ text: this.#text, name: "", types: [] });
    connection.describe({ type: "S", name: "" });
    connection.sync();
    return null;
  }

  handleRowDescription({ fields }: RowDescription): void {
    this.#found = fields.map(({ name, dataTypeID }) => ({ name, typeId: dataTypeID }));
  }

  handleError(error: unknown): void {
    this.#reject(error);
  }

  handleReadyForQuery(): void {
    this.#resolve(this.#found);
  }
}
