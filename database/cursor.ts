import { Buffer } from "node:buffer";
import { createHmac, timingSafeEqual } from "node:crypto";
import type { CallOptions } from "../core/call_options.ts";
import { DatabaseError, ValidationError } from "../core/errors.ts";
import type { Database } from "./database.ts";
import { type Statement, statement } from "./statement.ts";

/** The sort values of one item of a list, most significant first. */
export type Position = readonly (string | number)[];

/**
 * Positions in sorted lists, as opaque text. A cursor is signed together with the list it belongs
 * to (its name, sort and filters), so a changed cursor, or one of another list, is refused. The key
 * is in the database: every process has the same one, and nobody configures it.
 *
 * ```ts
 * import { createPool, CursorCodec, migrate } from "@benchmark-exchange/infrastructure/database";
 *
 * const pool = await createPool({ embedded: {} });
 * await migrate(pool); // makes the key
 * const cursors = new CursorCodec(pool);
 * const list = ["failed submissions", { provider: "openai" }];
 * const cursor = await cursors.encode(list, ["2026-11-22T10:00:00Z", 42]);
 * console.log(await cursors.decode(list, cursor)); // [ "2026-11-22T10:00:00Z", 42 ]
 * await cursors.decode(["all submissions"], cursor).catch(({ code }) => console.log(code));
 * // invalid_input
 * await pool.close();
 * ```
 */
export class CursorCodec {
  readonly #database: Database;
  #key: string | undefined;

  /** Reads the key from the database when it is first needed. */
  constructor(database: Database) {
    this.#database = database;
  }

  /** Encodes the position of the last item of a page. */
  async encode(list: unknown, position: Position, options: CallOptions = {}): Promise<string> {
    return seal(await this.#getKey(options), list, JSON.stringify(position));
  }

  /**
   * Returns the position; throws a {@linkcode ValidationError} unless the cursor was made for this
   * list on this database.
   */
  async decode(list: unknown, cursor: string, options: CallOptions = {}): Promise<Position> {
    const [payload = ""] = String(cursor).split(".");
    const text = Buffer.from(payload, "base64url").toString("utf8");
    const expected = Buffer.from(seal(await this.#getKey(options), list, text));
    const given = Buffer.from(String(cursor));
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) {
      throw new ValidationError("cursor", "it does not belong to this list, or was changed");
    }
    return JSON.parse(text);
  }

  /** Callers at the same time each ask: one must not wait by the deadline of another. */
  async #getKey(options: CallOptions): Promise<string> {
    if (this.#key !== undefined) return this.#key;
    const [row] = await this.#database.run(readCursorKey, {}, options);
    if (row) return this.#key = row.key;
    throw new DatabaseError("Cannot read cursor key: it is missing; run the migrations", {
      code: "internal",
      operation: "read cursor key",
    });
  }
}

/** The key that signs cursors. */
export const readCursorKey: Statement<object, { key: string }> = statement(
  "read cursor key",
  { key: "text" },
  (db, _: object) => db.selectFrom("cursor_key").select("key"),
);

/** The one text of a cursor: comparing it whole leaves no other that decodes to the same bytes. */
function seal(key: string, list: unknown, payload: string): string {
  const signature = createHmac("sha256", key).update(JSON.stringify(list)).update("\0")
    .update(payload).digest().subarray(0, 16);
  return `${Buffer.from(payload).toString("base64url")}.${signature.toString("base64url")}`;
}
