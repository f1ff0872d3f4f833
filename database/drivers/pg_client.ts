import pg from "pg";

/** What `pg` looks for in the environment unless it has a value, which must not be empty. */
const PLACEHOLDERS = { options: "-", replication: "-", binary: true };

/** What these are for a client that was told nothing. */
const NOTHING = { options: undefined, replication: undefined, binary: false };

/**
 * Makes a client that is told everything and so reads no variable of the environment, as `pg` otherwise does for
 * what is missing or empty: PGOPTIONS would change the session behind the back of who configured it, PGREPLICATION
 * would make another protocol of it, and on Deno each one would need a permission. Connects to nothing yet.
 */
export function newPgClient(config: pg.ClientConfig): pg.Client {
  const told = {
    sslnegotiation: "postgres",
    client_encoding: "utf8",
    connectionTimeoutMillis: 0,
    ...config,
    application_name: config.application_name || "-",
    ...PLACEHOLDERS,
  } as pg.ClientConfig;
  const client = new pg.Client(told);
  // Before anything is sent.
  const { connectionParameters } = client as unknown as { readonly connectionParameters: object };
  Object.assign(connectionParameters, NOTHING, { application_name: config.application_name });
  return Object.assign(client, NOTHING);
}
