import { execFile } from "node:child_process";
import process from "node:process";
import type { Readable } from "node:stream";
import { s3Variables } from "./s3.ts";

/** How the demo ended, and what it printed. */
export interface DemoOutcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The servers that the demo uses; none by default. */
export interface DemoSetting {
  readonly databaseUrl?: string;
  readonly redisUrl?: string;
  /** With the access key, as tests hand it on. */
  readonly s3Url?: string;
  /** Gets the output while the demo runs. */
  readonly onStart?: (stdout: Readable) => void;
}

/** Runs the demo as a process of the runtime that runs this test. */
export function runDemo(
  args: readonly string[],
  { databaseUrl = "", redisUrl = "", s3Url, onStart = () => {} }: DemoSetting = {},
): Promise<DemoOutcome> {
  const runtime = "Deno" in globalThis ? ["run", "-A"] : [];
  const storage = s3Url === undefined ? { S3_ENDPOINT: "" } : s3Variables(s3Url);
  const env = { ...process.env, DATABASE_URL: databaseUrl, REDIS_URL: redisUrl, ...storage };
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [...runtime, "cli/main.ts", "demo", ...args],
      { env, maxBuffer: 2 ** 24 },
      (error, stdout, stderr) => {
        const code = error ? Number(error.code ?? 1) : 0;
        resolve({ code, stdout, stderr });
      },
    );
    if (child.stdout) onStart(child.stdout);
  });
}
