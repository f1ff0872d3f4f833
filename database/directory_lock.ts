import { open, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { DatabaseError } from "../core/errors.ts";

/**
 * Takes a folder for this process by a file `exchange.lock` with its process id, and returns how
 * to give it back. Throws `conflict` while the process that has it lives; the file of a dead one is
 * taken over. Holds among the processes of one machine, not on a network file system.
 */
export async function lockDirectory(directory: string): Promise<() => Promise<void>> {
  const file = join(directory, "exchange.lock");
  for (let attempt = 0; attempt < 3; attempt++) {
    try {
      const handle = await open(file, "wx", 0o600);
      await handle.writeFile(String(process.pid));
      await handle.close();
      return () => rm(file, { force: true });
    } catch (error) {
      if ((error as { code?: string }).code !== "EEXIST") throw error;
    }
    const owner = Number(await readFile(file, "utf8").catch(() => ""));
    if (owner > 0 && isAlive(owner)) throw inUse(directory, owner);
    await rm(file, { force: true });
  }
  throw inUse(directory, 0);
}

function isAlive(processId: number): boolean {
  try {
    process.kill(processId, 0);
    return true;
  } catch (error) {
    return (error as { code?: string }).code === "EPERM";
  }
}

function inUse(directory: string, owner: number): DatabaseError {
  const operation = "open database";
  return new DatabaseError(
    `Cannot ${operation}: ${directory} is in use by process ${owner || "unknown"}`,
    { code: "conflict", operation },
  );
}
