import { createHash } from "node:crypto";
import type { CompiledQuery, Kysely } from "kysely";
import type { DriverQuery, DriverResult } from "./driver.ts";
import { queryBuilder } from "./query_builder.ts";
import type { Schema } from "./schema.ts";
import { InfrastructureError } from "../core/errors.ts";

/** The types of PostgreSQL that statements return, with their object ids in `pg_type`. */
export const COLUMN_TYPE_IDS = {
  "bool": 16,
  "float8": 701,
  "int2": 21,
  "int4": 23,
  "int8": 20,
  "json": 114,
  "jsonb": 3802,
  "text": 25,
  "text[]": 1009,
  "timestamptz": 1184,
  "uuid": 2950,
  "uuid[]": 2951,
} as const;

/** The type of a column; a question mark says that it can be null. */
export type ColumnType = keyof typeof COLUMN_TYPE_IDS | `${keyof typeof COLUMN_TYPE_IDS}?`;

/** The columns that a statement returns. */
export type Columns = Readonly<Record<string, ColumnType>>;

/** What JavaScript gets for each type. */
interface ColumnValues {
  "bool": boolean;
  "float8": number;
  "int2": number;
  "int4": number;
  "int8": number;
  "json": unknown;
  "jsonb": unknown;
  "text": string;
  "text[]": string[];
  "timestamptz": Date;
  "uuid": string;
  "uuid[]": string[];
}

/**
 * What JavaScript gets for a type.
 *
 * @internal
 */
export type ValueOf<T extends ColumnType> = T extends keyof ColumnValues ? ColumnValues[T]
  : T extends `${infer Base extends keyof ColumnValues}?` ? ColumnValues[Base] | null
  : never;

/** A row with the given columns. */
export type RowOf<C extends Columns> = { -readonly [K in keyof C]: ValueOf<C[K]> };

/**
 * A statement that is compiled once and sent as a named prepared statement, where the pool and its driver use names.
 * `verify` checks those of the library.
 */
export interface Statement<Input extends object, Row> {
  /** What it does, as it stands after "Cannot" in an error: `create user`. Unique. */
  readonly name: string;
  /** The columns it returns. */
  readonly columns: Columns;
  /** Whether it changes anything: its outcome is then unknown when its reply is lost. */
  readonly writes: boolean;
  /** The text, with `$1`, `$2`, … for the parameters. */
  readonly text: string;
  /** The statement with the values of `input`. */
  toQuery(input: Input, named: boolean): DriverQuery;
  /** The rows of a result, with values as the columns say. */
  toRows(result: DriverResult): Row[];
}

/** What `verify` needs of a statement. */
export type StatementInfo = Pick<Statement<never, unknown>, "name" | "columns" | "text">;

/** Stands for a value while a statement is compiled. */
class Parameter {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}

/** Gives a {@linkcode Parameter} for every property. */
const PARAMETERS: object = new Proxy({}, {
  get: (_, name) => new Parameter(String(name)),
});

/**
 * Defines a statement. `build` runs once, at the first use; whatever it reads from its second
 * argument becomes a parameter that each call gives a value.
 *
 * ```ts
 * import { createPool, migrate, statement } from "@benchmark-exchange/infrastructure/database";
 *
 * const findByScore = statement(
 *   "find submissions by score",
 *   { id: "uuid", score: "float8?" },
 *   (db, input: { minScore: number }) =>
 *     db.selectFrom("submissions").select(["id", "score"]).where("score", ">=", input.minScore),
 * );
 * const pool = await createPool({ embedded: {} });
 * await migrate(pool);
 * console.log(await pool.run(findByScore, { minScore: 0.9 })); // [], for nothing was submitted
 * await pool.close();
 * ```
 */
export function statement<Input extends object, const C extends Columns>(
  name: string,
  columns: C,
  build: (db: Kysely<Schema>, input: Input) => {
    compile(db: Kysely<Schema>): CompiledQuery<RowOf<C>>;
  },
): Statement<Input, RowOf<C>> {
  return new CompiledStatement(
    name,
    columns,
    () => build(queryBuilder, PARAMETERS as Input).compile(queryBuilder),
  );
}

/** A statement after its first use. */
interface Compiled {
  readonly text: string;
  readonly writes: boolean;
  readonly parameters: readonly unknown[];
}

class CompiledStatement<Input extends object, Row> implements Statement<Input, Row> {
  readonly name: string;
  readonly columns: Columns;
  readonly #compile: () => CompiledQuery<Row>;
  readonly #decoders: [column: string, decode: (value: unknown) => unknown][] = [];
  #compiled: Compiled | undefined;
  #id: string | undefined;

  constructor(name: string, columns: Columns, compile: () => CompiledQuery<Row>) {
    this.name = name;
    this.columns = columns;
    this.#compile = compile;
    for (const [column, type] of Object.entries(columns)) {
      const decode = DECODERS[type.replace("?", "")];
      if (decode) this.#decoders.push([column, decode]);
    }
  }

  get text(): string {
    return this.#get().text;
  }

  get writes(): boolean {
    return this.#get().writes;
  }

  toQuery(input: Input, named: boolean): DriverQuery {
    const { text, parameters } = this.#get();
    const values = parameters.map((parameter) =>
      parameter instanceof Parameter
        ? (input as Record<string, unknown>)[parameter.name] ?? null
        : parameter
    );
    return named ? { text, values, name: this.#id ??= nameOf(text) } : { text, values };
  }

  toRows(result: DriverResult): Row[] {
    const rows = result.rows as Record<string, unknown>[];
    for (const [column, decode] of this.#decoders) {
      for (const row of rows) {
        if (row[column] !== null) row[column] = decode(row[column]);
      }
    }
    return rows as Row[];
  }

  #get(): Compiled {
    if (!this.#compiled) {
      const { sql: text, parameters } = this.#compile();
      const writes = /\b(insert into|update|delete from|merge into)\b/i.test(text);
      this.#compiled = { text, parameters, writes };
    }
    return this.#compiled;
  }
}

/** The name that a server knows a text by. Lists, which are sent without one, do not pay for it. */
function nameOf(text: string): string {
  return `exchange_${createHash("sha256").update(text).digest("hex").slice(0, 24)}`;
}

/** For clients that return these as text; a driver of ours returns what is wanted already. */
const DECODERS: Readonly<Record<string, (value: unknown) => unknown>> = {
  "int8": (value) => typeof value === "number" ? value : Number(value),
  "timestamptz": (value) => value instanceof Date ? value : new Date(String(value)),
};

/** The protocol counts parameters in 16 bits; above that `pg` and PGlite wrap around. */
const MAX_PARAMETERS = 65_535;

/** Refuses what the protocol would count modulo 65,536. */
export function checkParameterCount(query: DriverQuery, operation: string): void {
  if (query.values.length <= MAX_PARAMETERS) return;
  throw new InfrastructureError(
    `Cannot ${operation}: a statement has at most ${MAX_PARAMETERS} parameters, got ${query.values.length}`,
    { code: "invalid_input", operation },
  );
}
