import type { ContainerProgram, DebianContainer } from "./debian_container.ts";
import { until } from "./until.ts";

/** How a gateway is started and reached. */
export interface S3GatewayOptions {
  /** Where it runs, together with the programs that keep its data; it ends with the gateway. */
  readonly container: DebianContainer;
  /** The program that answers S3 requests, with its arguments. */
  readonly command: readonly [string, ...string[]];
  /** Where it answers, with the access key and the secret. */
  readonly url: string;
  /** A path that is found when it accepts requests. */
  readonly healthPath: string;
}

/** How long a gateway may take to accept requests, on a machine that is busy. */
const START_LIMIT_MS = 60_000;

/** An S3 server that belongs to one test file, which may do to it what it likes. */
export class S3Gateway implements AsyncDisposable {
  /** Where it answers, also after a restart, with the access key and the secret. */
  readonly url: string;
  readonly #options: S3GatewayOptions;
  #program: ContainerProgram | undefined;

  /** Use `startS3` or `startSwift`. */
  constructor(options: S3GatewayOptions) {
    this.url = options.url;
    this.#options = options;
  }

  /** Starts the server, also again after `kill`; resolves when it accepts requests. */
  async start(): Promise<void> {
    if (this.#program) throw new Error("Cannot start the S3 server: it is running");
    const { container, command } = this.#options;
    const program = this.#program = await container.start(...command);
    let isRunning = true;
    void program.ended.then(() => isRunning = false);
    await until("the S3 server accepts requests", async () => {
      if (isRunning) return await this.#answers();
      throw new Error(`Cannot start the S3 server: it ended\n${await container.log()}`);
    }, START_LIMIT_MS);
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
    await this.#options.container[Symbol.asyncDispose]();
  }

  get #running(): ContainerProgram {
    if (this.#program) return this.#program;
    throw new Error("Cannot reach the S3 server: it is stopped");
  }

  async #answers(): Promise<boolean> {
    const { url, healthPath } = this.#options;
    const response = await fetch(new URL(healthPath, `http://${new URL(url).host}`), {
      signal: AbortSignal.timeout(START_LIMIT_MS),
    }).catch(() => undefined);
    await response?.body?.cancel();
    return response?.ok ?? false;
  }
}
