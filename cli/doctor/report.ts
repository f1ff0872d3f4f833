import { type Paint, printable, type Style } from "../output.ts";
import type { Finding, Level } from "./diagnosis.ts";

/** What is known about one kind of server. */
export interface ServerReport {
  /** Such as `PostgreSQL`. */
  readonly name: string;
  /** The variable that names it. */
  readonly variable: string;
  /** Whether there is one. */
  readonly configured: boolean;
  /** What was found; empty if there is none. */
  readonly findings: readonly Finding[];
}

/** What is known about all servers. */
export interface DoctorReport {
  /** Whether nothing failed. */
  readonly healthy: boolean;
  /** One for each kind that the library knows. */
  readonly servers: readonly ServerReport[];
}

const STYLES: Readonly<Record<Level, Style>> = { ok: "good", warning: "warning", failed: "bad" };

/** What was found about a server, as text for a person. */
export function formatServer(
  { name, variable, configured, findings }: ServerReport,
  paint: Paint,
): string {
  const title = configured
    ? name
    : paint("faint", `${name}: not configured, ${variable} is not set`);
  return [title, ...findings.map((finding) => formatFinding(finding, paint)), "", ""].join("\n");
}

/** How many findings there are of each level. */
export function formatSummary({ servers }: DoctorReport): string {
  const findings = servers.flatMap((server) => server.findings);
  const count = (level: Level): number => findings.filter((one) => one.level === level).length;
  return `${count("failed")} failed, ${count("warning")} to look at, ${count("ok")} fine\n`;
}

function formatFinding({ level, check, found, fix }: Finding, paint: Paint): string {
  const line = `  ${paint(STYLES[level], level.padEnd(8))} ${`${check}:`.padEnd(20)} ${
    printable(found)
  }`;
  return fix === undefined ? line : `${line}\n${" ".repeat(11)}fix: ${fix}`;
}
