import type { DatabasePool } from "../../../database/database_pool.ts";

/** A digest of every row of the tables of people, to see whether anything changed. */
export async function tableContents(pool: DatabasePool): Promise<unknown> {
  const tables = ["users", "organizations", "organization_members"];
  const digests = tables.map((table) =>
    `select '${table}' as name, count(*)::int4 as rows, md5(string_agg(t::text, '' order by t::text))
    from ${table} t`
  );
  return (await pool.execute(digests.join(" union all "))).rows;
}
