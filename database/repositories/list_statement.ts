import { countQuery, type KeysetList, pageQuery } from "../keyset.ts";
import type { StatementInfo } from "../statement.ts";

/** A page of a list after a cursor, and its total, for `verify`; give a list with every filter set. */
export function listStatements<DB, TB extends keyof DB, O>(
  list: KeysetList<DB, TB, O>,
): readonly StatementInfo[] {
  return [
    {
      name: list.operation,
      columns: { ...list.columns, position: "text[]" },
      get text(): string {
        return pageQuery(list, 2, list.sort.map(() => "")).compile().sql;
      },
    },
    {
      name: `${list.operation}, total`,
      columns: { total: "float8" },
      get text(): string {
        return countQuery(list).compile().sql;
      },
    },
  ];
}
