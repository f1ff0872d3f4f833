import { open, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { setTimeout as pause } from "node:timers/promises";
import { DatabaseError } from "../core/errors.ts";

/** A process that claims a folder: its id, and when it was started, in milliseconds since the epoch. */
interface Claim {
  readonly name: string;
  readonly processId: number;
  readonly startedAtMs: number;
}

/** `exchange-<process id>-<start>-<random>.lock` */
const CLAIM = /^exchange-(\d+)-(\d+)-[0-9a-f-]+\.lock$/;

/** How often a folder is tried: two that claim it at the same moment see each other and both step back. */
const ATTEMPTS = 4;

/** The longest pause before the next attempt, in milliseconds. */
const MAX_PAUSE_MS = 50;

/** How far two readings of the start of one process can be apart, in milliseconds. */
const START_TOLERANCE_MS = 5_000;

/**
 * Takes a folder for this process and returns how to give it back. Throws `conflict` while a process
 * that has it lives, this one included. Claims of dead processes are deleted; so is one with the id of
 * this process that was started at another time, as the first process of a restarted container is.
 * Holds among processes that see each other's ids: not between containers or over a network.
 *
 * Everybody writes a claim of their own before looking for others, so two can both step back, but
 * never both go on.
 */
export async function lockDirectory(directory: string): Promise<() => Promise<void>> {
  const me = claimOfThisProcess();
  const unlock = (): Promise<void> => rm(join(directory, me.name), { force: true });
  for (let attempt = 1;; attempt++) {
    await (await open(join(directory, me.name), "wx", 0o600)).close();
    const other = await findOther(directory, me).catch(async (error) => {
      await unlock();
      throw error;
    });
    if (!other) return unlock;
    await unlock();
    if (attempt === ATTEMPTS) throw inUse(directory, other);
    // A pause of `core` would let the process end meanwhile.
    await pause(Math.random() * MAX_PAUSE_MS);
  }
}

function claimOfThisProcess(): Claim {
  const processId = process.pid;
  const startedAtMs = Math.round(Date.now() - process.uptime() * 1_000);
  const name = `exchange-${processId}-${startedAtMs}-${crypto.randomUUID()}.lock`;
  return { name, processId, startedAtMs };
}

/** Finds the claim of another living process, or an earlier one of this, and deletes dead ones. */
async function findOther(directory: string, me: Claim): Promise<Claim | undefined> {
  for (const name of await readdir(directory)) {
    const [, processId, startedAtMs] = CLAIM.exec(name) ?? [];
    if (processId === undefined || name === me.name) continue;
    const claim = { name, processId: Number(processId), startedAtMs: Number(startedAtMs) };
    if (isAlive(claim, me)) return claim;
    await rm(join(directory, name), { force: true });
  }
  return undefined;
}

function isAlive({ processId, startedAtMs }: Claim, me: Claim): boolean {
  if (processId === me.processId) {
    return Math.abs(startedAtMs - me.startedAtMs) < START_TOLERANCE_MS;
  }
  try {
    process.kill(processId, 0);
    return true;
  } catch (error) {
    // Anything else, such as a missing permission, does not prove that it is dead.
    return (error as { code?: string }).code !== "ESRCH";
  }
}

function inUse(directory: string, { processId, name }: Claim): DatabaseError {
  const operation = "open database";
  return new DatabaseError(
    `Cannot ${operation}: ${directory} is in use by process ${processId}; ` +
      `if that is not so, delete ${name} there`,
    { code: "conflict", operation },
  );
}
