import { after, describe } from "node:test";
import type { DatabasePool } from "../../database/database_pool.ts";
import { server, stopServer, test, withPool, withProxiedPool } from "../support/faulty_postgres.ts";
import { timeout } from "../support/toxics.ts";
import { until } from "../support/until.ts";

/** Counts what a listener of a pool hears. */
function listen(pool: DatabasePool): { gaps: number; notified: number } {
  const heard = { gaps: 0, notified: 0 };
  pool.listen("a_channel", {
    onGap: () => heard.gaps++,
    onNotify: () => heard.notified++,
    heartbeatMs: 100,
  });
  return heard;
}

describe("a listener on a server", () => {
  after(stopServer);

  test("listens again when the server has ended its session, and says that there was a gap", async () => {
    await withPool({}, async (pool) => {
      const heard = listen(pool);
      await until("it listens", () => heard.gaps === 1);
      await pool.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity where query ilike '%listen%' and pid <> pg_backend_pid()",
      );
      await until("it listens again", () => heard.gaps === 2);
      await pool.execute("notify a_channel");
      await until("it hears", () => heard.notified === 1);
    });
  });

  test("is replaced when its connection is silent without being broken", async () => {
    await withProxiedPool({}, async (pool, proxy) => {
      const heard = listen(pool);
      await until("it listens", () => heard.gaps === 1);
      let harmed = 0;
      proxy.add((one) => harmed++ === 0 ? timeout()(one) : (data) => data);
      // The heartbeat gets no answer for five seconds.
      await until("it listens again", () => heard.gaps === 2, 20_000);
      await pool.execute("notify a_channel");
      await until("it hears", () => heard.notified === 1);
    });
  });

  test("listens again when the server is back from a crash", async () => {
    await withPool({}, async (pool) => {
      const postgres = await server();
      const heard = listen(pool);
      await until("it listens", () => heard.gaps === 1);
      await postgres.stop("immediate");
      await postgres.start();
      await until("it listens again", () => heard.gaps === 2, 20_000);
    });
  });
});
