import { type Compilable, type SelectQueryBuilder, sql } from "kysely";
import type { CallOptions } from "../core/call_options.ts";
import type { Page, PageRequest } from "../core/page.ts";
import { checkInteger } from "../core/validation.ts";
import type { CursorCodec } from "./cursor.ts";
import type { Database, ExecuteOptions } from "./database.ts";
import { shareDeadline } from "./deadline.ts";
import { type Columns, statement } from "./statement.ts";

/** A column that a list is sorted by. The last one must be unique, so that no item is skipped. */
export interface SortKey {
  /** The column, such as `users.created_at`. Never a caller's text. */
  readonly column: string;
  /** Its type. */
  readonly type: "timestamptz" | "text" | "uuid" | "float8" | "int4" | "int8";
}

/** A list that can be paged. */
export interface KeysetList<DB, TB extends keyof DB, O> {
  /** What reading it does, as it stands after "Cannot" in an error, such as `list users`. */
  readonly operation: string;
  /** The columns of its rows. */
  readonly columns: Columns;
  /** What the cursors belong to: the name of the list, and every filter and sort that the caller chose. */
  readonly identity: unknown;
  /** The rows with all filters, without order and limit. */
  readonly query: SelectQueryBuilder<DB, TB, O>;
  /** The order, most significant first. */
  readonly sort: readonly SortKey[];
  /** The direction of every key. */
  readonly descending: boolean;
}

/** What a row carries besides, to make a cursor of it. */
interface Positioned {
  readonly position: readonly string[];
}

/**
 * Reads one page by keyset: after the cursor's position in the sort order, so that inserts
 * meanwhile neither repeat nor skip an item. All its statements share one deadline. Positions are
 * the server's own text of the sort values, with all their digits.
 */
export async function readPage<DB, TB extends keyof DB, O>(
  database: Database,
  cursors: CursorCodec,
  list: KeysetList<DB, TB, O>,
  request: PageRequest & CallOptions,
): Promise<Page<O>> {
  const limit = checkInteger("limit", request.limit ?? 50, { min: 1, max: 1_000 });
  const options = shareDeadline(database, request);
  const position = request.cursor === undefined
    ? undefined
    : await cursors.decode(list.identity, request.cursor, options());
  const { operation, columns } = list;
  const page = statement(operation, columns, () => pageQuery(list, limit + 1, position));
  // Without a name: filters and limits make too many texts to keep them prepared.
  const { text, values } = page.toQuery({}, false);
  const step = (): ExecuteOptions => ({ ...options(), operation, readOnly: true });
  const rows = page.toRows(await database.execute(text, values, step()));
  const items = rows.slice(0, limit) as (O & Positioned)[];
  const last = items.at(-1);
  const total = request.withTotal ? { total: await count(database, list, step()) } : {};
  if (rows.length <= limit || !last) return { items, ...total };
  const nextCursor = await cursors.encode(list.identity, last.position, options());
  return { items, nextCursor, ...total };
}

/** Counts the rows of a list on all its pages. */
export async function count<DB, TB extends keyof DB, O>(
  database: Database,
  list: Pick<KeysetList<DB, TB, O>, "query">,
  options: ExecuteOptions = {},
): Promise<number> {
  const all = countQuery(list).compile();
  const { rows } = await database.execute(all.sql, all.parameters, { ...options, readOnly: true });
  return Number(rows[0]?.["total"]);
}

/** @internal Exported for `verify`, which prepares it. */
export function countQuery<DB, TB extends keyof DB, O>(
  { query }: Pick<KeysetList<DB, TB, O>, "query">,
): Compilable<unknown> {
  return query.clearSelect().select(sql<number>`count(*)::float8`.as("total"));
}

/** @internal Exported for `verify`, which prepares it. */
export function pageQuery<DB, TB extends keyof DB, O>(
  { query, sort, descending }: KeysetList<DB, TB, O>,
  limit: number,
  position?: readonly (string | number)[],
): SelectQueryBuilder<DB, TB, O> {
  const direction = descending ? "desc" : "asc";
  const columns = sort.map(({ column }) => sql.ref(column));
  const texts = columns.map((column) => sql`(${column})::text`);
  let page = query.select(sql<string[]>`array[${sql.join(texts)}]`.as("position"));
  for (const column of columns) page = page.orderBy(column, direction) as typeof page;
  if (position) {
    const operator = sql.raw(descending ? "<" : ">");
    const values = sort.map(({ type }, i) => sql`${position[i]}::text::${sql.raw(type)}`);
    page = page.where(
      sql<boolean>`(${sql.join(columns)}) ${operator} (${sql.join(values)})`,
    ) as typeof page;
  }
  return page.limit(sql.lit(limit)) as unknown as SelectQueryBuilder<DB, TB, O>;
}
