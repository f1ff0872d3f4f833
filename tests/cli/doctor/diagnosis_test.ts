import assert from "node:assert/strict";
import { test } from "node:test";
import { Diagnosis, type Finding } from "../../../cli/doctor/diagnosis.ts";
import { ConfigurationError, type ErrorCode, InfrastructureError } from "../../../core/errors.ts";

const { signal } = new AbortController();

/** What is found by `use`. */
async function found(
  use: (diagnosis: Diagnosis) => unknown,
  signalOf: AbortSignal = signal,
): Promise<readonly Finding[]> {
  const diagnosis = new Diagnosis({ variable: "REDIS_URL", timeoutMs: 1_000, signal: signalOf });
  await use(diagnosis);
  return diagnosis.findings;
}

async function levels(use: (diagnosis: Diagnosis) => unknown): Promise<string[]> {
  return (await found(use)).map(({ level, check }) => `${level} ${check}`);
}

const target = (): string => "host:6379";

function failWith(code: ErrorCode): () => Promise<never> {
  const error = new InfrastructureError(`Cannot connect: ${code}`, { code, operation: "connect" });
  return () => Promise.reject(error);
}

test("who is let in has reached the server with credentials that it takes", async () => {
  const connect = (diagnosis: Diagnosis): Promise<string | undefined> =>
    diagnosis.connect(target, () => Promise.resolve("connection"));
  assert.deepEqual(await levels(connect), ["ok reachable", "ok credentials"]);
});

test("a refusal is about the credentials, anything else about reaching the server", async () => {
  const cases: [ErrorCode, string[], RegExp][] = [
    ["unauthenticated", ["ok reachable", "failed credentials"], /user and password in REDIS_URL/],
    ["permission_denied", ["ok reachable", "failed credentials"], /rights/],
    ["unavailable", ["failed reachable"], /host and port in REDIS_URL/],
    ["timeout", ["failed reachable"], /host and port in REDIS_URL/],
    ["overloaded", ["failed reachable"], /room for connections/],
    ["configuration_invalid", ["failed configuration"], /^Correct REDIS_URL$/],
  ];
  for (const [code, expected, fix] of cases) {
    const findings = await found((diagnosis) => diagnosis.connect(target, failWith(code)));
    assert.deepEqual(findings.map(({ level, check }) => `${level} ${check}`), expected);
    assert.equal(findings.at(-1)?.found, `Cannot connect: ${code}`);
    assert.match(findings.at(-1)?.fix ?? "", fix);
  }
  const malformed = (): never => {
    throw new ConfigurationError(["REDIS_URL is not a URL"]);
  };
  assert.deepEqual(
    await levels((diagnosis) => diagnosis.connect(malformed, failWith("internal"))),
    ["failed configuration"],
  );
});

test("an error of somebody else is told without its text", async () => {
  const leak = (): Promise<never> => Promise.reject(new TypeError("redis://u:s3cr3t@h"));
  const findings = await found(async (diagnosis) => {
    await diagnosis.connect(target, leak);
    await diagnosis.look("settings", "Look", leak);
  });
  assert.deepEqual(findings.map(({ level }) => level), ["failed", "failed"]);
  assert.doesNotMatch(JSON.stringify(findings), /s3cr3t/);
});

test("what the user stops is no finding", async () => {
  const stopped = AbortSignal.abort();
  const connect = (diagnosis: Diagnosis) => diagnosis.connect(target, failWith("aborted"));
  await assert.rejects(found(connect, stopped), { name: "AbortError" });
  const look = (diagnosis: Diagnosis) => diagnosis.look("settings", "Look", failWith("aborted"));
  await assert.rejects(found(look, stopped), { name: "AbortError" });
});

test("a version that is too old fails", async () => {
  const judge = (version: string) =>
    levels((diagnosis) => diagnosis.version("NATS", version, "2.9"));
  assert.deepEqual(await judge("2.10.1"), ["ok version"]);
  assert.deepEqual(await judge("2.8.4"), ["failed version"]);
});

test("a server that answers slowly is a warning", async () => {
  const judge = (durationMs: number) =>
    levels((diagnosis) => diagnosis.latency([{ askedAtMs: 0, durationMs, answer: undefined }]));
  assert.deepEqual(await judge(49), ["ok latency"]);
  assert.deepEqual(await judge(51), ["warning latency"]);
});

test("a clock is off above a second, and half of what the server cuts off its times", async () => {
  const judge = async (skewMs: number, resolutionMs?: number): Promise<string> => {
    const trips = [{ askedAtMs: 1_000, durationMs: 0, answer: 1_000 + skewMs }];
    const [clock] = await found((diagnosis) => diagnosis.clock(trips, resolutionMs));
    return `${clock?.level}: ${clock?.found}`;
  };
  assert.equal(await judge(0), "ok: the same as that of this machine");
  assert.equal(await judge(1_000), "ok: 1000 ms ahead of this machine");
  assert.equal(await judge(1_001), "warning: 1001 ms ahead of this machine");
  assert.equal(await judge(-1_001), "warning: 1001 ms behind this machine");
  assert.equal(await judge(-500, 1_000), "ok: the same as that of this machine");
  assert.equal(await judge(1_000, 1_000), "ok: 1500 ms ahead of this machine");
  assert.equal(await judge(1_001, 1_000), "warning: 1501 ms ahead of this machine");
});
