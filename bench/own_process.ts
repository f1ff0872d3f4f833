import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { createInterface, type Interface } from "node:readline";
import { fileURLToPath } from "node:url";

/** How the runtime is to run a script, besides the script and its arguments. */
export type RuntimeOptions = Readonly<Partial<Record<"deno" | "node" | "bun", readonly string[]>>>;

/** The arguments with which this runtime runs a script that may import peers. */
export function scriptArguments(script: string, options: RuntimeOptions = {}): string[] {
  if ("Deno" in globalThis) {
    const flags = ["-A", "--quiet", "--no-check", "--node-modules-dir=manual"];
    return ["run", ...flags, ...options.deno ?? [], script];
  }
  return [...("Bun" in globalThis ? options.bun : options.node) ?? [], script];
}

/** A script of this folder in a process of its own, on the same runtime; it talks in lines of JSON. */
export class OwnProcess implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  readonly #reader: Interface;
  readonly #ended: Promise<unknown>;

  /** Starts it. */
  constructor(script: string, args: readonly string[], options: RuntimeOptions = {}) {
    const path = fileURLToPath(new URL(script, import.meta.url));
    this.#child = spawn(process.execPath, [...scriptArguments(path, options), ...args], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    this.#ended = once(this.#child, "exit");
    this.#reader = createInterface({ input: this.#child.stdout! });
    this.#lines = this.#reader[Symbol.asyncIterator]();
  }

  /** What it says next. */
  async next<T>(): Promise<T> {
    const { value, done } = await this.#lines.next();
    if (done) throw new Error("The process ended without another line");
    return JSON.parse(value);
  }

  /** Tells it something. */
  tell(line: string): void {
    this.#child.stdin!.write(`${line}\n`);
  }

  /** Lets it end. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.stdin!.end();
    await this.#ended;
    this.#reader.close();
  }
}

/** For a script: says something to the process that started it. */
export function say(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}
