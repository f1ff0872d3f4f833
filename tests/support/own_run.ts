import { readdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import process from "node:process";
import { RUN_VARIABLE } from "./postgres.ts";

/** Has the servers that are started meanwhile belong to a run of their own, which is cleaned up. */
export async function withOwnRun(
  cleanUp: (run: string) => Promise<void>,
  use: (run: string) => Promise<void>,
): Promise<void> {
  const run = crypto.randomUUID().slice(0, 8);
  const before = process.env[RUN_VARIABLE];
  process.env[RUN_VARIABLE] = run;
  try {
    await use(run);
  } finally {
    if (before === undefined) delete process.env[RUN_VARIABLE];
    else process.env[RUN_VARIABLE] = before;
    await cleanUp(run);
  }
}

/** The temporary folders that a run has left. */
export async function leftFolders(run: string): Promise<string[]> {
  return (await readdir(tmpdir())).filter((name) => name.includes(run));
}
