import process from "node:process";
import { type ChildProcess, spawn } from "node:child_process";
import { Buffer } from "node:buffer";
import { signalIfAlive } from "./process_signals.ts";

/** How a command ended. */
export interface CommandResult {
  /** The exit code; `null` when a signal ended the command. */
  readonly code: number | null;
  /** What the command wrote to both of its outputs, in order of arrival. */
  readonly output: string;
}

/** How to run a command. */
export interface CommandOptions {
  /** Default: the current directory. */
  readonly cwd?: string;
  /** Changes to the environment of this process; `undefined` removes a variable. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Kills the command and what it started; its result then has no exit code. */
  readonly signal?: AbortSignal;
}

/** Runs a command to its end. Rejects only when the command cannot be started. */
export function runCommand(
  command: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: options.cwd,
      env: environment(options.env),
      stdio: ["ignore", "pipe", "pipe"],
      // Makes it the head of a group, which can be killed as a whole.
      detached: options.signal !== undefined,
      // npm is a batch file on Windows.
      shell: process.platform === "win32" && command === "npm",
    });
    const kill = (): void => killGroup(child);
    options.signal?.addEventListener("abort", kill);
    const pieces: Buffer[] = [];
    child.stdout.on("data", (piece: Buffer) => pieces.push(piece));
    child.stderr.on("data", (piece: Buffer) => pieces.push(piece));
    child.once("error", reject);
    child.once("close", (code) => {
      options.signal?.removeEventListener("abort", kill);
      resolve({ code, output: Buffer.concat(pieces).toString() });
    });
  });
}

/** Runs a command to its end and returns its output; rejects with the output unless it succeeds. */
export async function runChecked(
  command: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<string> {
  const { code, output } = await runCommand(command, args, options);
  if (code === 0) return output;
  throw new Error(`Cannot run ${command} ${args.join(" ")}: it ended with ${code}\n${output}`);
}

function killGroup({ pid }: ChildProcess): void {
  if (pid !== undefined) signalIfAlive(process.platform === "win32" ? pid : -pid, "SIGKILL");
}

function environment(changes: CommandOptions["env"]): Record<string, string> {
  const entries = Object.entries({ ...process.env, ...changes });
  return Object.fromEntries(
    entries.filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}
