import {
  type CompiledQuery,
  type DatabaseConnection,
  type Driver,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type QueryResult,
} from "kysely";
import type { CallOptions } from "../core/call_options.ts";
import { InfrastructureError } from "../core/errors.ts";
import type { DriverResult } from "./driver.ts";
import type { Schema } from "./schema.ts";

/** What the bridge needs of a database. */
interface Executor {
  execute(text: string, values?: readonly unknown[], options?: CallOptions): Promise<DriverResult>;
}

/** Lets Kysely run its statements through a pool or transaction of ours. */
export function kyselyFor(executor: Executor): Kysely<Schema> {
  return new Kysely<Schema>({
    dialect: {
      createAdapter: () => new PostgresAdapter(),
      createDriver: () => new BridgeDriver(executor),
      createIntrospector: (db) => new PostgresIntrospector(db),
      createQueryCompiler: () => new PostgresQueryCompiler(),
    },
  });
}

class BridgeDriver implements Driver {
  readonly #connection: DatabaseConnection;

  constructor(executor: Executor) {
    this.#connection = new BridgeConnection(executor);
  }

  init(): Promise<void> {
    return Promise.resolve();
  }

  acquireConnection(): Promise<DatabaseConnection> {
    return Promise.resolve(this.#connection);
  }

  releaseConnection(): Promise<void> {
    return Promise.resolve();
  }

  beginTransaction(): Promise<void> {
    return refuseTransaction();
  }

  commitTransaction(): Promise<void> {
    return refuseTransaction();
  }

  rollbackTransaction(): Promise<void> {
    return refuseTransaction();
  }

  destroy(): Promise<void> {
    return Promise.resolve();
  }
}

class BridgeConnection implements DatabaseConnection {
  readonly #executor: Executor;

  constructor(executor: Executor) {
    this.#executor = executor;
  }

  async executeQuery<R>(
    { sql, parameters }: CompiledQuery,
    options: CallOptions = {},
  ): Promise<QueryResult<R>> {
    const result = await this.#executor.execute(sql, parameters, { signal: options.signal });
    return { rows: result.rows as R[], numAffectedRows: BigInt(result.rowCount) };
  }

  // deno-lint-ignore require-yield
  async *streamQuery<R>(): AsyncIterableIterator<QueryResult<R>> {
    await Promise.reject(unsupported("stream rows", "page them by keyset"));
  }
}

function refuseTransaction(): Promise<void> {
  return Promise.reject(unsupported("begin transaction", "use transaction() of the pool"));
}

function unsupported(operation: string, instead: string): InfrastructureError {
  return new InfrastructureError(`Cannot ${operation} through the query builder: ${instead}`, {
    code: "unsupported",
    operation,
  });
}
