import { type KeysetList, pageQuery } from "../keyset.ts";
import type { StatementInfo } from "../statement.ts";

/** A page of a list after a cursor, for `verify`; give a list with every filter set. */
export function listStatement<DB, TB extends keyof DB, O>(
  list: KeysetList<DB, TB, O>,
): StatementInfo {
  return {
    name: list.operation,
    columns: { ...list.columns, position: "text[]" },
    get text(): string {
      return pageQuery(list, 2, list.sort.map(() => "")).compile().sql;
    },
  };
}
