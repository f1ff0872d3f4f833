// Writes `database/schema.ts` from the migrations: `deno task schema`.
import { writeFile } from "node:fs/promises";
import { createPool } from "../../database/create_pool.ts";
import { migrate } from "../../database/migrator.ts";
import { generateSchema } from "./generate_schema.ts";

const pool = await createPool({ embedded: {} });
await migrate(pool);
await writeFile("database/schema.ts", await generateSchema(pool));
await pool.close();
