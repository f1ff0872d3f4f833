import type { DriverResult } from "../driver.ts";

/** How a column is read; `undefined` keeps the text. */
export interface PreparedField {
  readonly name: string;
  readonly parse: ((text: string) => unknown) | undefined;
}

/** What the server said about the columns of prepared statements, once per connection. */
export type FieldCache = Map<string, readonly PreparedField[]>;

/** The part of the protocol connection of `pg` that a query uses. */
interface ProtocolConnection {
  readonly stream: { cork(): void; uncork(): void };
  readonly parsedStatements: Record<string, string>;
  parse(query: { text: string; name: string; types: number[] }): void;
  bind(query: { portal: ""; statement: string; values: (string | null)[] }): void;
  describe(target: { type: "P"; name: "" }): void;
  execute(query: { portal: ""; rows: 0 }): void;
  sync(): void;
}

/** The messages of the server, as `pg` hands them over. */
interface RowDescription {
  readonly fields: readonly { readonly name: string; readonly dataTypeID: number }[];
}

/**
 * A named prepared statement, as an object that `client.query()` of `pg` submits. `pg` itself has the
 * columns described again for every call, which for a wide row costs the server and the client as
 * much as the row; this asks once per connection.
 */
export class PreparedQuery {
  /** Read by `pg`, which remembers what it prepared under which name. */
  readonly name: string;
  /** Read by `pg`. */
  readonly text: string;
  /** Settles when the server has answered. */
  readonly result: Promise<DriverResult>;
  readonly #values: (string | null)[];
  readonly #cache: FieldCache;
  readonly #parserFor: (typeId: number) => PreparedField["parse"];
  readonly #rows: Record<string, unknown>[] = [];
  #fields: readonly PreparedField[];
  #command = "";
  #unreadable: unknown;
  #resolve!: (result: DriverResult) => void;
  #reject!: (error: unknown) => void;

  constructor(
    query: { readonly name: string; readonly text: string; readonly values: readonly unknown[] },
    cache: FieldCache,
    parserFor: (typeId: number) => PreparedField["parse"],
  ) {
    this.name = query.name;
    this.text = query.text;
    // Here, because what is thrown while a query is submitted leaves the client of `pg` waiting.
    this.#values = query.values.map(toText);
    this.#cache = cache;
    this.#parserFor = parserFor;
    this.#fields = cache.get(query.name) ?? [];
    this.result = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  /** Sends everything up to the next barrier in one write. */
  submit(connection: ProtocolConnection): null {
    const { name, text } = this;
    connection.stream.cork();
    try {
      if (!connection.parsedStatements[name]) connection.parse({ text, name, types: [] });
      connection.bind({ portal: "", statement: name, values: this.#values });
      if (!this.#cache.has(name)) connection.describe({ type: "P", name: "" });
      connection.execute({ portal: "", rows: 0 });
      connection.sync();
    } finally {
      connection.stream.uncork();
    }
    return null;
  }

  handleRowDescription({ fields }: RowDescription): void {
    this.#fields = fields.map(({ name, dataTypeID }) => ({
      name,
      parse: this.#parserFor(dataTypeID),
    }));
  }

  handleDataRow({ fields }: { readonly fields: readonly (string | null)[] }): void {
    const row: Record<string, unknown> = {};
    try {
      for (let i = 0; i < this.#fields.length; i++) {
        const { name, parse } = this.#fields[i] as PreparedField;
        const text = fields[i] ?? null;
        row[name] = text === null || parse === undefined ? text : parse(text);
      }
    } catch (error) {
      // Thrown here, it would end the process.
      this.#unreadable ??= error;
    }
    this.#rows.push(row);
  }

  handleCommandComplete({ text }: { readonly text: string }): void {
    this.#command = text;
  }

  handleEmptyQuery(): void {}

  handlePortalSuspended(): void {}

  handleError(error: unknown): void {
    this.#reject(error);
  }

  handleReadyForQuery(): void {
    this.#cache.set(this.name, this.#fields);
    if (this.#unreadable) return this.#reject(this.#unreadable);
    const [command = "", ...counts] = this.#command.split(" ");
    const rowCount = Number(counts.at(-1) ?? this.#rows.length);
    this.#resolve({ rows: this.#rows, rowCount, command });
  }
}

/** Values of statements are plain; arrays and JSON were made text before. */
function toText(value: unknown): string | null {
  if (value === null || value === undefined) return null;
  if (value instanceof Date) return value.toISOString();
  if (typeof value === "object") {
    throw new TypeError("A value of a statement must not be an object");
  }
  return String(value);
}
