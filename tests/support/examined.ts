import assert from "node:assert/strict";
import type { Environment } from "../../core/environment.ts";
import type { Finding } from "../../cli/doctor/diagnosis.ts";
import { runRecorded } from "./recorded_io.ts";

/** What the doctor found out about the only server that the environment names. */
export interface Examined {
  readonly code: number;
  /** Such as `failed credentials`, with what was found and what to do. */
  readonly findings: ReadonlyMap<string, Pick<Finding, "found" | "fix">>;
  /** Of the findings. */
  readonly names: readonly string[];
  /** All that was written. */
  readonly text: string;
}

/** Has the doctor examine a server, and checks that its secret is told neither to people nor to machines. */
export async function examine(
  environment: Environment,
  { secret = "no secret", args = [] }: { secret?: string; args?: readonly string[] } = {},
): Promise<Examined> {
  const { code, stdout, stderr } = await runRecorded(["doctor", "--json", ...args], {
    environment,
  });
  assert.equal(stderr, "");
  const { healthy, servers } = JSON.parse(stdout);
  assert.equal(healthy, code === 0);
  const [server] = servers.filter(({ configured }: { configured: boolean }) => configured);
  const findings: Finding[] = server.findings;
  for (const { level, fix } of findings) assert.equal(fix === undefined, level === "ok");
  const people = await runRecorded(["doctor", ...args], { environment });
  assert.equal(people.code, code);
  const text = stdout + people.stdout + people.stderr;
  assert.ok(!text.includes(secret));
  const named = findings.map((one) => [`${one.level} ${one.check}`, one] as const);
  return { code, findings: new Map(named), names: named.map(([name]) => name), text };
}
