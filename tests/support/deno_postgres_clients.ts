import pg from "pg";
import { newPgClient } from "../../database/drivers/pg_client.ts";
import type {
  DenoPostgresClient,
  DenoPostgresPool,
  DenoPostgresResult,
} from "../../database/drivers/deno_postgres.ts";
import { pgClientConfig } from "./postgres.ts";

/** How a {@linkcode ClientSource} is made. */
export interface ClientSourceOptions {
  /** Whether clients decode values, as those of `@db/postgres` do by default. */
  readonly decodes?: boolean;
}

/** A pool with the shape of one of `@db/postgres`, over real connections of `pg`, for runtimes without that client. */
export class ClientSource implements DenoPostgresPool {
  /** How many clients were made. */
  made = 0;
  /** Clients that were given back. */
  readonly free: SourceClient[] = [];
  readonly #config: pg.ClientConfig;

  constructor(url: string, { decodes = false }: ClientSourceOptions = {}) {
    const types = { getTypeParser: () => String };
    this.#config = { ...pgClientConfig(url), ...(decodes ? {} : { types }) };
  }

  async connect(): Promise<SourceClient> {
    const client = this.free.pop() ?? new SourceClient(this.#config, this.free);
    if (client.connected) throw new Error("it was given back with a session");
    await client.connect();
    this.made++;
    return client;
  }
}

/** A client with the shape and, where it matters, the habits of one of `@db/postgres`. */
export class SourceClient implements DenoPostgresClient {
  /** Only an end that worked makes it false. */
  connected = false;
  readonly #config: pg.ClientConfig;
  readonly #free: SourceClient[];
  #client: pg.Client;
  #broken = false;

  constructor(config: pg.ClientConfig, free: SourceClient[]) {
    this.#config = config;
    this.#free = free;
    this.#client = newPgClient(config);
  }

  get session(): { readonly pid: number | undefined } {
    return { pid: (this.#client as unknown as { readonly processID: number }).processID };
  }

  async connect(): Promise<void> {
    this.#client = newPgClient(this.#config);
    this.#client.on("error", () => this.#broken = true);
    await this.#client.connect().catch(rethrow);
    this.connected = true;
  }

  async queryArray(
    { text, args }: { text: string; args: (string | null)[] },
  ): Promise<DenoPostgresResult> {
    const query = { text, values: args, rowMode: "array" };
    const results: pg.QueryArrayResult | pg.QueryArrayResult[] = await this.#client.query(query)
      .catch(rethrow);
    const { rows, rowCount, command, fields } = [results].flat().at(-1)!;
    const columns = fields.map(({ name, dataTypeID }) => ({ name, typeOid: dataTypeID }));
    return { rows, rowCount: rowCount ?? NaN, command, rowDescription: { columns } };
  }

  /** Of a broken one it fails, and the client still believes that it has a session. */
  async end(): Promise<void> {
    if (this.#broken) throw new Error("Broken pipe");
    await this.#client.end();
    this.connected = false;
  }

  release(): void {
    this.#free.push(this);
  }
}

/** What the server says is in `fields`. */
function rethrow(error: unknown): never {
  if (!(error instanceof pg.DatabaseError)) throw error;
  const { code, constraint, table, column } = error;
  throw Object.assign(new Error(error.message), { fields: { code, constraint, table, column } });
}
