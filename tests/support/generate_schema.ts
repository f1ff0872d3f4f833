// Prints `database/schema.ts` from the migrated schema; `deno task schema` writes it there.
import type { DatabasePool } from "../../database/database_pool.ts";

interface SchemaColumn {
  readonly table: string;
  readonly column: string;
  readonly type: string;
  readonly nullable: boolean;
  readonly generated: boolean;
  readonly defaulted: boolean;
}

const TYPES: Readonly<Record<string, string>> = {
  "bool": "boolean",
  "float8": "number",
  "int2": "number",
  "int4": "number",
  "int8": "number",
  "json": "JSON",
  "jsonb": "JSON",
  "text": "string",
  "_text": "string[]",
  "timestamptz": "Date",
  "tsvector": "string",
  "uuid": "string",
};

/** The text of `database/schema.ts` for the tables in a migrated database. */
export async function generateSchema(pool: DatabasePool): Promise<string> {
  const columns = await readColumns(pool);
  const tables = [...new Set(columns.map(({ table }) => table))];
  const header =
    `// Generated from the migrated schema by \`deno task schema\`; a test fails when it drifts.
import type { ColumnType, Generated, GeneratedAlways } from "kysely";
`;
  const interfaces = tables.map((table) => {
    const lines = columns.filter((one) => one.table === table).map(columnLine);
    return `/** The columns of \`${table}\`. */\nexport interface ${typeName(table)} {\n${
      lines.join("\n")
    }\n}\n`;
  });
  const members = tables.map((table) => `  /** ${table} */\n  ${table}: ${typeName(table)};`);
  const schema = `/** Every table, for the query builder. */\nexport interface Schema {\n${
    members.join("\n")
  }\n}\n`;
  return [header, ...interfaces, schema].join("\n");
}

async function readColumns(pool: DatabasePool): Promise<SchemaColumn[]> {
  const { rows } = await pool.execute(`
    select table_name, column_name, udt_name, is_nullable, is_generated, column_default,
      is_identity
    from information_schema.columns where table_schema = current_schema()
    order by table_name, ordinal_position`);
  return rows.map((row) => ({
    table: String(row["table_name"]),
    column: String(row["column_name"]),
    type: String(row["udt_name"]),
    nullable: row["is_nullable"] === "YES",
    generated: row["is_generated"] === "ALWAYS",
    defaulted: row["column_default"] !== null || row["is_identity"] === "YES",
  }));
}

function columnLine({ column, type, nullable, generated, defaulted }: SchemaColumn): string {
  const base = TYPES[type];
  if (!base) throw new Error(`No TypeScript type for ${type} of column ${column}`);
  const json = base === "JSON";
  const read = `${json ? "unknown" : base}${nullable && !json ? " | null" : ""}`;
  const written = json ? `string${nullable ? " | null" : ""}` : read;
  const optional = defaulted || nullable ? " | undefined" : "";
  if (generated) return `  /** ${type} */\n  ${column}: GeneratedAlways<${read}>;`;
  if (json) {
    return `  /** ${type} */\n  ${column}: ColumnType<unknown, ${written}${optional}, ${written}>;`;
  }
  return `  /** ${type} */\n  ${column}: ${defaulted ? `Generated<${read}>` : read};`;
}

function typeName(table: string): string {
  const camel = table.replace(/(^|_)([a-z])/g, (_, __, letter: string) => letter.toUpperCase());
  return `${camel}Table`;
}
