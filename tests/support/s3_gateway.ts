import { type ContainerProgram, type DebianContainer, openContainer } from "./debian_container.ts";
import { type DebianRoot, installDebian } from "./debian_root.ts";
import { until } from "./until.ts";

/** How a gateway is started and reached. */
export interface S3GatewayOptions {
  /** The program that answers S3 requests, with its arguments. */
  readonly command: readonly [string, ...string[]];
  /** Where it answers, with the access key and the secret. */
  readonly url: string;
  /** What is found when it, and all that it needs, accept requests. */
  readonly healthUrls: readonly string[];
}

/** How long a gateway may take to accept requests, on a machine that is busy. */
const START_LIMIT_MS = 60_000;

/**
 * Starts a gateway in a container of its own.
 *
 * @param debian The packages.
 * @param mountPoint Where the programs see the container's folder.
 * @param prepare Writes the settings and starts what keeps the data.
 */
export async function startGateway(
  debian: DebianRoot,
  mountPoint: string,
  prepare: (container: DebianContainer) => Promise<S3GatewayOptions>,
): Promise<S3Gateway> {
  const container = await openContainer({ root: await installDebian(debian), mountPoint });
  try {
    const gateway = new S3Gateway(container, await prepare(container));
    await gateway.start();
    return gateway;
  } catch (error) {
    await container[Symbol.asyncDispose]();
    throw error;
  }
}

/** An S3 server that belongs to one test file, which may do to it what it likes. */
export class S3Gateway implements AsyncDisposable {
  /** Where it answers, also after a restart, with the access key and the secret. */
  readonly url: string;
  readonly #container: DebianContainer;
  readonly #options: S3GatewayOptions;
  #program: ContainerProgram | undefined;

  /** Use `startS3` or `startSwift`. */
  constructor(container: DebianContainer, options: S3GatewayOptions) {
    this.url = options.url;
    this.#container = container;
    this.#options = options;
  }

  /** Starts the server, also again after `kill`; resolves when it accepts requests. */
  async start(): Promise<void> {
    if (this.#program) throw new Error("Cannot start the S3 server: it is running");
    const { command, healthUrls } = this.#options;
    const program = this.#program = await this.#container.start(...command);
    let isRunning = true;
    void program.ended.then(() => isRunning = false);
    try {
      await until("it accepts requests", async () => {
        if (!isRunning) throw new Error("it ended");
        return (await Promise.all(healthUrls.map(isFound))).every(Boolean);
      }, START_LIMIT_MS);
    } catch (error) {
      await this.kill();
      const { message } = error as Error;
      throw new Error(`Cannot start the S3 server: ${message}\n${await this.#container.log()}`);
    }
  }

  /** Freezes the server: it accepts TCP connections and never answers, old ones and new ones. */
  async pause(): Promise<void> {
    await this.#running.signal("STOP");
  }

  /** Ends a `pause`. */
  async resume(): Promise<void> {
    await this.#running.signal("CONT");
  }

  /** Ends the server as a crash would, also while it is paused. What it stored stays. */
  async kill(): Promise<void> {
    const program = this.#running;
    this.#program = undefined;
    await program.signal("KILL");
    await program.ended;
  }

  /** Stops the server and deletes its data. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#program = undefined;
    await this.#container[Symbol.asyncDispose]();
  }

  get #running(): ContainerProgram {
    if (this.#program) return this.#program;
    throw new Error("Cannot reach the S3 server: it is stopped");
  }
}

async function isFound(url: string): Promise<boolean> {
  const signal = AbortSignal.timeout(START_LIMIT_MS);
  const response = await fetch(url, { signal }).catch(() => undefined);
  await response?.body?.cancel();
  return response?.ok ?? false;
}
