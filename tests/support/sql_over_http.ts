import pg from "pg";
import { FetchServer } from "./fetch_server.ts";

/** What a client of Neon sends. */
interface Query {
  readonly query: string;
  readonly params: unknown[];
}

/**
 * Serves PostgreSQL over HTTP in the protocol of `@neondatabase/serverless`, as Neon's proxy does: a query is a request,
 * its session ends with it, and values are texts.
 */
export async function serveSqlOverHttp(databaseUrl: string): Promise<FetchServer> {
  return await FetchServer.start(async (request) => {
    const { query, params }: Query = await request.json();
    const client = new pg.Client({ connectionString: databaseUrl });
    client.on("error", () => {});
    await client.connect();
    try {
      return Response.json(await run(client, query, params));
    } catch (error) {
      if (!(error instanceof pg.DatabaseError)) throw error;
      const { message, code, constraint, table, column } = error;
      return Response.json({ message, code, constraint, table, column }, { status: 400 });
    } finally {
      await client.end();
    }
  });
}

async function run(client: pg.Client, text: string, values: unknown[]): Promise<object> {
  const { command, rowCount, fields, rows } = await client.query({
    text,
    values,
    rowMode: "array",
    types: { getTypeParser: () => (value: string): string => value },
  });
  const described = fields.map(({ name, dataTypeID }) => ({ name, dataTypeID }));
  return { command, rowCount, fields: described, rows, rowAsArray: true };
}
