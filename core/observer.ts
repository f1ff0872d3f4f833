/** Values that describe a record; names follow OpenTelemetry's semantic conventions. */
export type Attributes = Readonly<Record<string, string | number | boolean>>;

/** One structured log record. */
export interface LogRecord {
  /** How serious it is. */
  readonly level: "debug" | "info" | "warn" | "error";
  /** What happened, as a constant sentence without values. */
  readonly message: string;
  /** The values. Never a secret or a parameter of a statement. */
  readonly attributes?: Attributes;
}

/**
 * Where the library says what it does besides returning and throwing. Every method must be quick
 * and must not throw; what it throws is dropped by {@linkcode safeObserver}.
 */
export interface Observer {
  /** Receives a log record. */
  log(record: LogRecord): void;
  /** Adds to a counter. */
  count(name: string, value: number, attributes?: Attributes): void;
  /** Receives how long an operation took, in milliseconds, and the code of its error, if any. */
  duration(name: string, durationMs: number, attributes?: Attributes): void;
}

/** Says nothing; the default. */
export const silentObserver: Observer = {
  log: () => {},
  count: () => {},
  duration: () => {},
};

/**
 * Writes each record as one line of JSON, for a log collector; control characters are escaped.
 *
 * ```ts
 * import { jsonLinesObserver } from "@benchmark-exchange/infrastructure/core";
 * import { MemoryCacheProvider } from "@benchmark-exchange/infrastructure/cache/memory";
 *
 * const cache = new MemoryCacheProvider({ observer: jsonLinesObserver(console.log) });
 * await cache.close();
 * ```
 */
export function jsonLinesObserver(write: (line: string) => void): Observer {
  const line = (kind: string, fields: Record<string, unknown>): void =>
    write(JSON.stringify({ time: new Date().toISOString(), kind, ...fields }));
  return {
    log: (record) => line("log", { ...record }),
    count: (name, value, attributes) => line("count", { name, value, attributes }),
    duration: (name, durationMs, attributes) => line("duration", { name, durationMs, attributes }),
  };
}

/**
 * Wraps an observer so that nothing it throws reaches the algorithm that it observes.
 *
 * ```ts
 * import { jsonLinesObserver, safeObserver } from "@benchmark-exchange/infrastructure/core";
 *
 * const full = jsonLinesObserver(() => {
 *   throw new Error("disk full");
 * });
 * const observer = safeObserver(full); // the first thing that an adapter does with its option
 * observer.count("cache.hit", 1); // throws nothing
 * ```
 */
export function safeObserver(observer: Observer): Observer {
  const safely = (run: () => void): void => {
    try {
      run();
    } catch {
      // An observer must not break what it observes.
    }
  };
  return {
    log: (record) => safely(() => observer.log(record)),
    count: (name, value, attributes) => safely(() => observer.count(name, value, attributes)),
    duration: (name, durationMs, attributes) =>
      safely(() => observer.duration(name, durationMs, attributes)),
  };
}
