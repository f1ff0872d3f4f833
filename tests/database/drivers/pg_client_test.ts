import assert from "node:assert/strict";
import process from "node:process";
import { test } from "node:test";
import { PgDriver } from "../../../database/drivers/pg.ts";
import { newPgClient } from "../../../database/drivers/pg_client.ts";
import { test as permittedTest } from "../../support/permitted.ts";
import { findService, serviceTest } from "../../support/services.ts";

const serverTest = serviceTest(await findService("postgres"), permittedTest);

/** What would change a session, if it were read. */
const VARIABLES = {
  PGOPTIONS: "-c work_mem=77MB",
  PGREPLICATION: "database",
  PGBINARY: "1",
  PGAPPNAME: "somebody-else",
  PGSSLNEGOTIATION: "direct",
  PGCLIENT_ENCODING: "latin1",
  PGCONNECT_TIMEOUT: "1",
};

serverTest("a session is what the URL says, whatever the environment says", async (url) => {
  await withVariables(VARIABLES, async () => {
    const connection = await new PgDriver({ url }).connect(() => {});
    try {
      const text = `select current_setting('work_mem') as memory,
        current_setting('application_name') as application, 7::int8 as number`;
      const { rows } = await connection.execute({ text, values: [] });
      const [{ memory, ...others } = {}] = rows;
      assert.notEqual(memory, "77MB");
      assert.deepEqual(others, { application: "benchmark-exchange", number: 7 });
    } finally {
      await connection.close();
    }
  });
});

test("a client keeps what it was told, and an empty name of the application stays empty", () => {
  const told = {
    user: "ada",
    host: "127.0.0.1",
    port: 1,
    database: "d",
    password: "p",
    ssl: false,
  };
  const client = newPgClient({ ...told, application_name: "" }) as unknown as {
    readonly user: string;
    readonly port: number;
    getStartupConf(): Record<string, unknown>;
  };
  assert.deepEqual([client.user, client.port], ["ada", 1]);
  assert.deepEqual(client.getStartupConf(), { user: "ada", database: "d" });
});

async function withVariables(
  variables: Readonly<Record<string, string>>,
  use: () => Promise<void>,
): Promise<void> {
  const before = Object.keys(variables).map((name) => [name, process.env[name]] as const);
  Object.assign(process.env, variables);
  try {
    await use();
  } finally {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  }
}
