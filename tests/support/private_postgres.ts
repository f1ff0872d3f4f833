import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync } from "node:fs";
import { chown, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import process from "node:process";
import { freePort } from "./free_port.ts";
import { RUN_VARIABLE, withClient } from "./postgres.ts";
import { isAlive, signalIfAlive } from "./process_signals.ts";
import { runChecked } from "./run_command.ts";

/** How a private PostgreSQL differs from the fastest one for tests. */
export interface PostgresOptions {
  /** Settings as in postgresql.conf, such as `max_connections`. */
  readonly settings?: Readonly<Record<string, string | number | boolean>>;
  /** The password of the user `exchange`. Default: none is asked for. */
  readonly password?: string;
  /** Turns TLS on, with these PEM texts. */
  readonly tls?: { readonly certificate: string; readonly key: string };
}

/** Data in memory is enough for tests; a suite about lost data sets these back. */
const FAST_SETTINGS = { fsync: false, synchronous_commit: false, full_page_writes: false };

/** What the server logs when it accepts connections. */
const READY = "database system is ready to accept connections";

/** Whether {@linkcode startPostgres} can work here. */
export function isPostgresInstalled(): boolean {
  return findBinaries() !== undefined;
}

/**
 * Starts a PostgreSQL of our own on a free loopback port, with its data in a temporary folder that
 * goes away with it. Rejects when PostgreSQL is not installed.
 */
export async function startPostgres(options: PostgresOptions = {}): Promise<PrivatePostgres> {
  const binaries = findBinaries();
  if (!binaries) throw new Error("Cannot start PostgreSQL: initdb and postgres are not installed");
  const account = await findAccount();
  const directory = await mkdtemp(join(tmpdir(), folderPrefix(process.env[RUN_VARIABLE])));
  try {
    await initialize(binaries, account, directory, options);
    const server = new PrivatePostgres({
      command: [
        ...account.command,
        join(binaries, "postgres"),
        ...serverArguments(directory, options),
      ],
      directory,
      port: await freePort(),
      password: options.password,
    });
    await server.start();
    return server;
  } catch (error) {
    await rm(directory, { recursive: true, force: true });
    throw error;
  }
}

/** Stops and deletes the servers that killed test files of a run left running. */
export async function stopLeftServers(run: string): Promise<void> {
  const folders = (await readdir(tmpdir())).filter((name) => name.startsWith(folderPrefix(run)));
  for (const folder of folders) {
    const file = join(tmpdir(), folder, "data", "postmaster.pid");
    const pid = Number((await readFile(file, "utf8").catch(() => "")).split("\n")[0]);
    if (pid > 0) await endServer(pid);
    await rm(join(tmpdir(), folder), { recursive: true, force: true });
  }
}

/** Ends a server that is not our child, also one that was paused. */
async function endServer(pid: number): Promise<void> {
  signalIfAlive(pid, "SIGCONT");
  signalIfAlive(pid, "SIGQUIT");
  while (isAlive(pid)) await new Promise((resolve) => setTimeout(resolve, 20));
}

function folderPrefix(run = "alone"): string {
  return `exchange-postgres-${run}-`;
}

/** A PostgreSQL that belongs to one test file, which may do to it what it likes. */
export class PrivatePostgres implements AsyncDisposable {
  /** The port on 127.0.0.1; the same after a restart. */
  readonly port: number;
  /** How to connect as the superuser `exchange`. */
  readonly url: string;
  readonly #command: readonly string[];
  readonly #directory: string;
  #server: ChildProcess | undefined;
  #paused: number[] = [];

  /** Use {@linkcode startPostgres}. */
  constructor(
    { command, directory, port, password = "" }: {
      command: readonly string[];
      directory: string;
      port: number;
      password: string | undefined;
    },
  ) {
    this.#command = [...command, "-p", String(port)];
    this.#directory = directory;
    this.port = port;
    this.url = `postgres://exchange:${encodeURIComponent(password)}@127.0.0.1:${port}/postgres`;
  }

  /** The process that accepts connections. */
  get pid(): number {
    if (this.#server?.pid) return this.#server.pid;
    throw new Error("Cannot name the process: the server is stopped");
  }

  /** Starts the server, also again after `stop`; resolves when it accepts connections. */
  async start(): Promise<void> {
    const [program, ...args] = this.#command;
    this.#server = spawn(program!, args, {
      cwd: this.#directory,
      stdio: ["ignore", "ignore", "pipe"],
    });
    // A test process that ends without stopping its server must not leave it behind.
    process.once("exit", this.#abandon);
    await readyToAccept(this.#server);
  }

  /** The processes that serve clients now. */
  backendPids(): Promise<number[]> {
    const sql = `select pid from pg_stat_activity
      where backend_type = 'client backend' and pid <> pg_backend_pid()`;
    return withClient(
      this.url,
      async (client) => (await client.query<{ pid: number }>(sql)).rows.map((row) => row.pid),
    );
  }

  /** Freezes the server: it accepts TCP connections and never answers, old ones and new ones. */
  async pause(): Promise<void> {
    this.#paused = [...await this.backendPids(), this.pid];
    for (const pid of this.#paused) process.kill(pid, "SIGSTOP");
  }

  /** Ends a `pause`. */
  resume(): void {
    for (const pid of this.#paused) signalIfAlive(pid, "SIGCONT");
    this.#paused = [];
  }

  /** Stops the server: `fast` tells its clients why, `immediate` is a crash. The data stays. */
  async stop(mode: "fast" | "immediate" = "fast"): Promise<void> {
    this.resume();
    const server = this.#server;
    if (!server) return;
    this.#server = undefined;
    process.off("exit", this.#abandon);
    if (server.exitCode !== null || server.signalCode !== null) return;
    const ended = once(server, "exit");
    server.kill(mode === "fast" ? "SIGINT" : "SIGQUIT");
    await ended;
  }

  /** Stops the server and deletes its data. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop("immediate");
    await rm(this.#directory, { recursive: true, force: true });
  }

  readonly #abandon = (): void => {
    this.#server?.kill("SIGQUIT");
  };
}

/** The folder of the newest `initdb` and `postgres`; Debian's are not on the PATH. */
function findBinaries(): string | undefined {
  const debian = "/usr/lib/postgresql";
  const versions = existsSync(debian) ? readdirSync(debian).map(Number) : [];
  const folders = [
    ...versions.sort((a, b) => b - a).map((version) => join(debian, String(version), "bin")),
    ...(process.env.PATH ?? "").split(delimiter),
  ];
  return folders.find((folder) =>
    existsSync(join(folder, "initdb")) && existsSync(join(folder, "postgres"))
  );
}

/** Who runs the server. */
interface Account {
  /** What to put before a command. */
  readonly command: readonly string[];
  /** The owner of the server's files, unless it is the current user. */
  readonly owner?: { readonly uid: number; readonly gid: number };
}

/** PostgreSQL refuses to run as root, so root hands it to the user `postgres`. */
async function findAccount(): Promise<Account> {
  if (process.getuid?.() !== 0) return { command: [] };
  const id = async (option: string): Promise<number> =>
    Number(await runChecked("id", [option, "postgres"]));
  return {
    command: ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"],
    owner: { uid: await id("-u"), gid: await id("-g") },
  };
}

async function initialize(
  binaries: string,
  account: Account,
  directory: string,
  { password, tls }: PostgresOptions,
): Promise<void> {
  const { owner } = account;
  const own = (path: string): Promise<void> | undefined =>
    owner && chown(path, owner.uid, owner.gid);
  const write = async (name: string, text: string): Promise<void> => {
    await writeFile(join(directory, name), text, { mode: 0o600 });
    await own(join(directory, name));
  };
  await own(directory);
  await write("password", password ?? "");
  if (tls) await Promise.all([write("server.crt", tls.certificate), write("server.key", tls.key)]);
  const [program, ...args] = [
    ...account.command,
    join(binaries, "initdb"),
    `--pgdata=${join(directory, "data")}`,
    "--username=exchange",
    "--encoding=UTF8",
    `--locale=${process.platform === "darwin" ? "en_US.UTF-8" : "C.UTF-8"}`,
    "--no-sync",
    ...(password
      ? ["--auth=scram-sha-256", `--pwfile=${join(directory, "password")}`]
      : ["--auth=trust"]),
  ];
  await runChecked(program!, args, { cwd: directory });
}

function serverArguments(directory: string, options: PostgresOptions): string[] {
  const settings = {
    ...FAST_SETTINGS,
    listen_addresses: "127.0.0.1",
    unix_socket_directories: "",
    lc_messages: "C",
    ...(options.tls && {
      ssl: true,
      ssl_cert_file: join(directory, "server.crt"),
      ssl_key_file: join(directory, "server.key"),
    }),
    ...options.settings,
  };
  const changes = Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
  return ["-D", join(directory, "data"), ...changes];
}

/** Resolves when the server says that it is ready; rejects with what it said when it ends before. */
function readyToAccept(server: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let log = "";
    server.once("error", reject);
    server.once("exit", () => reject(new Error(`Cannot start PostgreSQL: it ended\n${log}`)));
    // The listener stays, because a full pipe would stop the server.
    server.stderr!.on("data", (text) => {
      if (log.includes(READY)) return;
      log += text;
      if (log.includes(READY)) resolve();
    });
  });
}
