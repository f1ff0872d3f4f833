import { test } from "node:test";
import { createPool } from "../../database/create_pool.ts";
import { databaseConformance } from "../conformance/database.ts";

databaseConformance(test, {
  name: "pglite",
  capabilities: {
    concurrent: false,
    interruptible: false,
    typed: true,
    describesColumns: true,
  },
  open: (options) => createPool({ embedded: {}, ...options }),
});
