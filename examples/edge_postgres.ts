/**
 * A Worker that keeps users in PostgreSQL. `workerd` ends a connection with the request that opened it, so each
 * statement goes over HTTP, here with the client of Neon; any Kysely dialect that uses `fetch` does. It needs the flag
 * `nodejs_compat`, which is on since the compatibility date 2026-08-04.
 */
import { InfrastructureError } from "@benchmark-exchange/infrastructure/core";
import { createPool, PostgresUserRepository } from "@benchmark-exchange/infrastructure/database";
import { neon, neonConfig } from "@neondatabase/serverless";
import { NeonDialect } from "kysely-neon";

/** The variables of the Worker. */
export interface Variables {
  /** The database. */
  readonly DATABASE_URL: string;
  /** Where statements are sent. Default: Neon, at the host of the database. */
  readonly SQL_ENDPOINT?: string;
}

export default {
  /** `PUT /ada?email=ada@example.org` creates a user, `GET /ada` reads it, `DELETE /ada` says why it cannot. */
  async fetch(request: Request, { DATABASE_URL, SQL_ENDPOINT }: Variables): Promise<Response> {
    if (SQL_ENDPOINT) neonConfig.fetchEndpoint = SQL_ENDPOINT;
    const pool = await createPool({ dialect: new NeonDialect({ neon: neon(DATABASE_URL) }) });
    try {
      return await answer(request, new PostgresUserRepository(pool));
    } catch (error) {
      if (!(error instanceof InfrastructureError)) throw error;
      const { code, message } = error;
      return Response.json({ code, message }, { status: code === "unsupported" ? 501 : 400 });
    } finally {
      await pool.close();
    }
  },
};

async function answer(request: Request, users: PostgresUserRepository): Promise<Response> {
  const { pathname, searchParams } = new URL(request.url);
  const username = pathname.slice(1);
  if (request.method === "PUT") {
    const user = await users.create({ username, email: searchParams.get("email") ?? "" });
    return Response.json(user, { status: 201 });
  }
  const user = await users.getByUsername(username);
  if (!user) return new Response(null, { status: 404 });
  // Takes a transaction of several statements, which needs a connection.
  if (request.method === "DELETE") await users.delete(user.id);
  return Response.json(user);
}
