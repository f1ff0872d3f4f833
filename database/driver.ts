/**
 * The port between the pool and whatever speaks to PostgreSQL. A driver opens connections and runs
 * statements on them; the pool, deadlines, transactions, retries and error mapping are written
 * once, above it.
 *
 * Values arrive as: `bool` boolean; `int2`, `int4`, `int8`, `float4`, `float8` number; `text`,
 * `uuid`, `numeric`, `date` string; `timestamptz` `Date`; `json`, `jsonb` parsed; arrays as arrays;
 * SQL `null` as `null`.
 */
export interface DatabaseDriver {
  /** Names the driver in health reports and errors, such as `pg`. */
  readonly name: string;
  /** The most connections that it can serve at once; the pool never opens more. */
  readonly maxConnections: number;
  /**
   * Opens a connection. Rejects with the raw error of the client; settles within the connect
   * timeout of the driver. `onBroken` is called once when the connection breaks while nobody uses it.
   */
  connect(onBroken: () => void): Promise<DriverConnection>;
  /**
   * Begins to hear the notifications of a channel, on a session of its own where there can be several. Rejects with the
   * raw error of the client. Absent where the client cannot listen.
   */
  listen?(channel: string, events: DriverListenerEvents): Promise<DriverListener>;
  /** Closes what the driver itself opened besides connections. Idempotent. */
  close(): Promise<void>;
}

/** What a {@linkcode DriverListener} tells. */
export interface DriverListenerEvents {
  /** Called for each notification; it must not throw. */
  onNotify(): void;
  /** Called once when the session breaks. */
  onBroken(): void;
}

/** A session that hears notifications. */
export interface DriverListener {
  /** Asks the server whether it still notifies this session; rejects if it does not, or cannot be asked. */
  check(): Promise<void>;
  /** Hears nothing more. Never rejects. Idempotent. */
  close(): Promise<void>;
}

/** A statement as it goes to the server. */
export interface DriverQuery {
  /** The text, with `$1`, `$2`, … for the values. */
  readonly text: string;
  /** The values; at most 65,535, the limit of the protocol. */
  readonly values: readonly unknown[];
  /** Prepared under this name once per connection; absent: planned anew each time. */
  readonly name?: string | undefined;
  /** What a `copy … from stdin` reads; only for a connection that {@linkcode DriverConnection.copies}. */
  readonly rows?: Uint8Array | undefined;
}

/** What came back for a statement. */
export interface DriverResult {
  /** The rows, values as {@linkcode DatabaseDriver} says. */
  readonly rows: readonly Record<string, unknown>[];
  /** How many rows the statement returned or changed. */
  readonly rowCount: number;
  /** The command that the server completed, such as `COMMIT`; empty where the client hides it. */
  readonly command: string;
}

/** A column of the result of a statement. */
export interface DriverColumn {
  /** The name of the column. */
  readonly name: string;
  /** The object id of its type in `pg_type`. */
  readonly typeId: number;
}

/** One connection. The pool never runs two statements on it at the same time. */
export interface DriverConnection {
  /** False once the connection broke. */
  readonly usable: boolean;
  /** Whether the next user can have it: usable, and not left inside a transaction. */
  readonly reusable: boolean;
  /** Whether the client can send rows for a `copy … from stdin`. */
  readonly copies: boolean;
  /** Runs one statement; rejects with the raw error of the client. */
  execute(query: DriverQuery): Promise<DriverResult>;
  /**
   * Has the server parse a statement and returns its result columns, running nothing. Returns
   * `undefined` where the client cannot tell them.
   */
  describe(text: string): Promise<readonly DriverColumn[] | undefined>;
  /** Asks the server to stop the running statement. Best effort; never rejects. */
  cancel(): Promise<void>;
  /** Closes the connection, also in the middle of a statement. Never rejects. Idempotent. */
  close(): Promise<void>;
}
