import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";
import { RUN_VARIABLE } from "./postgres.ts";
import { isAlive, signalIfAlive } from "./process_signals.ts";

/** How to run programs of a folder that `debian_root.ts` made. */
export interface ContainerOptions {
  /** The folder; any number of containers can share it. */
  readonly root: string;
  /** A folder in there, in whose place the programs see the container's own folder. */
  readonly mountPoint: string;
}

/** A program that runs in a container. */
export interface ContainerProgram {
  /** Resolves with its exit code, which after a signal is above 128, when it is gone. */
  readonly ended: Promise<number>;
  /** Resolves when it has the signal; when it is told to stop, once all its threads have. */
  readonly signal: (name: "STOP" | "CONT" | "KILL") => Promise<void>;
}

/** In the container's folder: the process to kill, and what its programs wrote. */
const PID_FILE = "container.pid";
const LOG_FILE = "container.log";

const RUN_LIMIT_MS = 60_000;

/** The exit code of what ended with its container. */
const KILLED = 137;

/**
 * The first process of a container: a shell that does what it reads until its input ends, which is
 * when its owner ends, in whatever way. All other processes and the mounts end with it.
 */
const INIT = `
set -e
cd "$2"
exec 2>>${LOG_FILE}
mount --bind . "$1$3"
mount --rbind /dev "$1/dev"
# Here the process still has the number that it has outside.
read -r pid rest </proc/self/stat
mount -t proc proc "$1/proc"
echo "$pid" >${PID_FILE}
exec sh
`;

/** Opens a container with an empty folder of its own. Rejects unless the user is root. */
export async function openContainer(options: ContainerOptions): Promise<DebianContainer> {
  const folder = await mkdtemp(join(tmpdir(), folderPrefix(process.env[RUN_VARIABLE])));
  const container = new DebianContainer(folder, options);
  try {
    await container.open();
    return container;
  } catch (error) {
    await container[Symbol.asyncDispose]();
    throw error;
  }
}

/** Ends and deletes the containers that killed test files of a run left. */
export async function stopLeftContainers(run: string): Promise<void> {
  const names = (await readdir(tmpdir())).filter((name) => name.startsWith(folderPrefix(run)));
  for (const folder of names.map((name) => join(tmpdir(), name))) {
    const pid = readPid(folder);
    if (pid) signalIfAlive(pid, "SIGKILL");
    while (pid && isAlive(pid)) await new Promise((resolve) => setTimeout(resolve, 20));
    await rm(folder, { recursive: true, force: true });
  }
}

/** Programs of a Debian folder that run together; when it ends, so do all their processes. */
export class DebianContainer implements AsyncDisposable {
  /** Where its folder is outside; it is deleted in the end. */
  readonly folder: string;
  readonly #root: string;
  readonly #shell: ChildProcessWithoutNullStreams;
  readonly #closed: Promise<void>;
  readonly #asked = new Map<string, (answer: number) => void>();
  #isClosed = false;
  #count = 0;

  /** Use {@linkcode openContainer}. */
  constructor(folder: string, { root, mountPoint }: ContainerOptions) {
    this.folder = folder;
    this.#root = root;
    const init = ["sh", "-c", INIT, "sh", root, folder, mountPoint];
    // The locales and folders of the machine do not exist in there.
    const env = { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", LC_ALL: "C" };
    this.#shell = spawn("unshare", ["--mount", "--pid", "--fork", ...init], { env });
    this.#shell.stdin.on("error", () => {});
    const lines = createInterface({ input: this.#shell.stdout });
    lines.on("line", (line) => {
      const [topic = "", answer] = line.split(" ");
      this.#hear(topic, Number(answer));
    });
    this.#closed = once(this.#shell, "close").then(() => {
      this.#isClosed = true;
      for (const topic of this.#asked.keys()) this.#hear(topic, KILLED);
    });
    // A test process that ends without closing its container must not leave it behind.
    process.once("exit", this.#abandon);
  }

  /** Resolves when programs can be started. */
  async open(): Promise<void> {
    const opened = this.#ask();
    this.#tell(`echo ${opened.topic} 0`);
    if (await opened.answer === 0) return;
    throw new Error(`Cannot open a container\n${await this.log()}`);
  }

  /** Starts a program; resolves when there is a process for it. */
  async start(program: string, ...args: readonly string[]): Promise<ContainerProgram> {
    const command = ["chroot", this.#root, program, ...args].map(quoted).join(" ");
    const [pid, ended] = [this.#ask(), this.#ask()];
    const report = `echo ${pid.topic} $!; wait $!; echo ${ended.topic} $?`;
    // In the background, so that the shell sees the end of its input at any time.
    this.#tell(`(${command} >>${LOG_FILE} 2>&1 & ${report}) &`);
    const number = await pid.answer;
    const signal = async (name: string): Promise<void> => {
      const sent = this.#ask();
      // One of its threads has to run to take the signal; until then, others can go on.
      const states = `${quoted(this.#root)}/proc/${number}/task/*/status`;
      const stopped = `while grep -qs '^State:.[^T]' ${states}; do sleep 0.01; done; `;
      const settled = name === "STOP" ? stopped : "";
      this.#tell(`kill -${name} ${number}; ${settled}echo ${sent.topic} 0`);
      await sent.answer;
    };
    return { ended: ended.answer, signal };
  }

  /** Runs a program to its end; rejects with the log unless it succeeds within a minute. */
  async run(program: string, ...args: readonly string[]): Promise<void> {
    const { ended, signal } = await this.start(program, ...args);
    const limit = setTimeout(() => void signal("KILL"), RUN_LIMIT_MS);
    const code = await ended;
    clearTimeout(limit);
    if (code === 0) return;
    throw new Error(`Cannot run ${program}: it ended with ${code}\n${await this.log()}`);
  }

  /** What its programs have written; nothing when it is closed. */
  log(): Promise<string> {
    return readFile(join(this.folder, LOG_FILE), "utf8").catch(() => "");
  }

  /** Ends all programs and deletes the folder. */
  async [Symbol.asyncDispose](): Promise<void> {
    process.off("exit", this.#abandon);
    this.#shell.stdin.end();
    await this.#closed;
    await rm(this.folder, { recursive: true, force: true });
  }

  /** A word for the shell to answer to with a number. */
  #ask(): { readonly topic: string; readonly answer: Promise<number> } {
    const topic = `topic-${++this.#count}`;
    const { promise, resolve } = Promise.withResolvers<number>();
    this.#asked.set(topic, resolve);
    if (this.#isClosed) this.#hear(topic, KILLED);
    return { topic, answer: promise };
  }

  #tell(command: string): void {
    this.#shell.stdin.write(`${command}\n`);
  }

  #hear(topic: string, answer: number): void {
    this.#asked.get(topic)?.(answer);
    this.#asked.delete(topic);
  }

  readonly #abandon = (): void => {
    const pid = readPid(this.folder);
    if (pid) signalIfAlive(pid, "SIGKILL");
    // What still runs could write into the folder, and here nothing can be awaited.
    const clock = new Int32Array(new SharedArrayBuffer(4));
    while (pid && isAlive(pid)) Atomics.wait(clock, 0, 0, 10);
    rmSync(this.folder, { recursive: true, force: true });
  };
}

/** The process with which the others end, unless it did not come so far. */
function readPid(folder: string): number | undefined {
  const file = join(folder, PID_FILE);
  return existsSync(file) ? Number(readFileSync(file, "utf8")) || undefined : undefined;
}

/** As one word of the shell. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

function folderPrefix(run = "alone"): string {
  return `exchange-container-${run}-`;
}
