import process from "node:process";

/** Sends a signal to a process, or with a negative number to a group; returns whether it is there and ours. */
export function signalIfAlive(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}

/** Returns whether the process is there and ours. */
export function isAlive(pid: number): boolean {
  return signalIfAlive(pid, 0);
}
