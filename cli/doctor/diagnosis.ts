import { type ErrorCode, InfrastructureError } from "../../core/errors.ts";
import { errorText } from "../command_error.ts";
import { clockSkewMs, medianMs, type RoundTrip } from "./round_trips.ts";
import { isAtLeast } from "./server_version.ts";

/** How good a finding is: `warning` works but is not as it should be, `failed` does not work. */
export type Level = "ok" | "warning" | "failed";

/** What a check of a server found. */
export interface Finding {
  readonly level: Level;
  /** What was looked at, such as `clock`. */
  readonly check: string;
  /** How it is. */
  readonly found: string;
  /** What to do about it; not there if it is `ok`. */
  readonly fix?: string;
}

/** What a server's check is told. */
export interface DiagnosisOptions {
  /** The variable that names the server. */
  readonly variable: string;
  /** How long each question to the server may take, in milliseconds. */
  readonly timeoutMs: number;
  /** Ends all of it. */
  readonly signal: AbortSignal;
}

/** From here on, whoever waits for the server notices. */
const SLOW_MS = 50;

/** Leases, cursors and presigned URLs allow for less than that. */
const SKEW_MS = 1_000;

/** Collects what is found about one server. */
export class Diagnosis {
  /** In the order in which it was found. */
  readonly findings: Finding[] = [];
  /** The limits of each question to the server. */
  readonly call: { readonly signal: AbortSignal; readonly timeoutMs: number };
  readonly #variable: string;

  /** Begins without findings. */
  constructor({ variable, timeoutMs, signal }: DiagnosisOptions) {
    this.#variable = variable;
    this.call = { timeoutMs, signal };
  }

  /** All is well. */
  ok(check: string, found: string): void {
    this.findings.push({ level: "ok", check, found });
  }

  /** It works, and should be otherwise. */
  warn(check: string, found: string, fix: string): void {
    this.findings.push({ level: "warning", check, found, fix });
  }

  /** It does not work. */
  fail(check: string, found: string, fix: string): void {
    this.findings.push({ level: "failed", check, found, fix });
  }

  /**
   * Says whether the server can be reached and lets us in; `undefined` if not. `target` returns where it is, without the
   * password, and like `open` may throw because of the configuration.
   */
  async connect<T>(target: () => string, open: () => Promise<T>): Promise<T | undefined> {
    let where = "";
    try {
      where = target();
      const connection = await open();
      this.ok("reachable", where);
      this.ok("credentials", "accepted");
      return connection;
    } catch (error) {
      this.call.signal.throwIfAborted();
      const code = error instanceof InfrastructureError ? error.code : "internal";
      if (REFUSALS.has(code)) this.ok("reachable", where);
      const check = CHECKS[code] ?? "reachable";
      this.fail(check, errorText(error), connectFix(code, this.#variable));
      return undefined;
    }
  }

  /** Looks at one thing. When that fails, it is a finding, and the next thing can still be looked at. */
  async look(check: string, fix: string, use: () => Promise<void>): Promise<void> {
    try {
      await use();
    } catch (error) {
      this.call.signal.throwIfAborted();
      this.fail(check, errorText(error), fix);
    }
  }

  /** Judges the version of the server. */
  version(name: string, version: string, minimum: string): void {
    if (isAtLeast(version, minimum)) return this.ok("version", `${name} ${version}`);
    this.fail(
      "version",
      `${name} ${version} is older than ${minimum}`,
      `Upgrade the server to ${minimum} or later`,
    );
  }

  /** Judges how long the server takes to answer. */
  latency(trips: readonly RoundTrip<unknown>[]): void {
    const ms = medianMs(trips);
    const found = `${ms.toFixed(ms < 10 ? 2 : 0)} ms, the median of ${trips.length} round trips`;
    if (ms < SLOW_MS) return this.ok("latency", found);
    this.warn("latency", found, "Run the services near the server: every call waits that long");
  }

  /** Judges the clock of the server, whose times are the answers. `resolutionMs`: what it cuts off of its times. */
  clock(trips: readonly RoundTrip<number>[], resolutionMs = 0): void {
    const skewMs = Math.round(clockSkewMs(trips) + resolutionMs / 2);
    const found = skewMs === 0
      ? "the same as that of this machine"
      : `${Math.abs(skewMs)} ms ${skewMs > 0 ? "ahead of" : "behind"} this machine`;
    if (Math.abs(skewMs) <= SKEW_MS + resolutionMs / 2) return this.ok("clock", found);
    this.warn("clock", found, "Synchronize the clocks of both machines, such as with chrony");
  }
}

/** The server was there, and said no. */
const REFUSALS: ReadonlySet<ErrorCode> = new Set(["unauthenticated", "permission_denied"]);

const CHECKS: Partial<Record<ErrorCode, string>> = {
  unauthenticated: "credentials",
  permission_denied: "credentials",
  configuration_invalid: "configuration",
};

function connectFix(code: ErrorCode, variable: string): string {
  switch (code) {
    case "unauthenticated":
    case "permission_denied":
      return `Correct user and password in ${variable}, or the rights of that user`;
    case "configuration_invalid":
      return `Correct ${variable}`;
    case "overloaded":
    case "resource_exhausted":
      return "Give the server more room for connections, or close some";
    default:
      return `Start the server, or correct host and port in ${variable}`;
  }
}
