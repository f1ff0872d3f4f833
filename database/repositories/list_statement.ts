import { countQuery, type KeysetList, pageQuery } from "../keyset.ts";
import type { Columns, StatementInfo } from "../statement.ts";

/**
 * A page of a list after a cursor, and its total, for `verify`; `build` gives a list with every filter set. It runs
 * at the first use: who only imports this does not pay for it.
 */
export function listStatements<DB, TB extends keyof DB, O>(
  build: () => KeysetList<DB, TB, O>,
): readonly StatementInfo[] {
  let built: KeysetList<DB, TB, O> | undefined;
  const list = (): KeysetList<DB, TB, O> => built ??= build();
  return [
    {
      get name(): string {
        return list().operation;
      },
      get columns(): Columns {
        return { ...list().columns, position: "text[]" };
      },
      get text(): string {
        return pageQuery(list(), 2, list().sort.map(() => "")).compile().sql;
      },
    },
    {
      get name(): string {
        return `${list().operation}, total`;
      },
      columns: { total: "float8" },
      get text(): string {
        return countQuery(list()).compile().sql;
      },
    },
  ];
}
