import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** A script of `fixtures/` that runs in a process of its own, on the same runtime as its test. */
export class Script {
  readonly #child: ChildProcess;
  readonly #lines: string[] = [];
  #waiting: (() => void) | undefined;
  #output = "";

  /** Starts the script; its arguments are strings. */
  constructor(name: string, args: readonly string[]) {
    const file = fileURLToPath(new URL(`fixtures/${name}`, import.meta.url));
    const options = "Deno" in globalThis ? ["run", "-A", "--no-check"] : [];
    this.#child = spawn(process.execPath, [...options, file, ...args]);
    createInterface({ input: this.#child.stdout! }).on("line", (line) => {
      this.#lines.push(line);
      this.#waiting?.();
    });
    this.#child.stderr!.on("data", (text) => this.#output += text);
    this.#child.on("exit", () => this.#waiting?.());
  }

  /** The id of its process. */
  get pid(): number {
    return this.#child.pid!;
  }

  /** The next line that it prints; rejects if it ends before. */
  async line(): Promise<string> {
    while (this.#lines.length === 0) {
      if (this.#child.exitCode !== null || this.#child.signalCode !== null) {
        throw new Error(`The script has ended without another line\n${this.#output}`);
      }
      await new Promise<void>((resolve) => this.#waiting = resolve);
    }
    return this.#lines.shift()!;
  }

  /** Tells it to go on, and resolves when it has ended. */
  async finish(): Promise<void> {
    this.#child.stdin!.end();
    await this.#ended();
  }

  /** Ends it as a power cut would. */
  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#ended();
  }

  async #ended(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    await once(this.#child, "exit");
  }
}

/** For a script: resolves when its test calls `finish`. */
export async function toldToFinish(): Promise<void> {
  process.stdin.resume();
  await once(process.stdin, "end");
  process.stdin.destroy();
}
