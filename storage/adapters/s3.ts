/**
 * Object storage on Amazon S3 and servers that speak its protocol.
 *
 * @module
 */

import type { CallOptions } from "../../core/call_options.ts";
import { type Environment, readEnvironment } from "../../core/environment.ts";
import { checkInteger } from "../../core/validation.ts";
import { checkBucket } from "../object_key.ts";
import { readS3Environment, S3_VARIABLES } from "../s3_environment.ts";
import { PortableStorageProvider } from "../portable.ts";
import { checkConfig, type S3StorageConfig } from "./s3/config.ts";
import type { CleanedUploads } from "./s3/leftovers.ts";
import type { S3Probe } from "./s3/probe.ts";
import { S3Driver } from "./s3/s3_driver.ts";

export type { S3StorageConfig } from "./s3/config.ts";
export type { S3Credentials } from "./s3/credentials.ts";
export type { CleanedUploads } from "./s3/leftovers.ts";
export type { S3Probe } from "./s3/probe.ts";

/**
 * Object storage on an S3 server.
 *
 * **Uploads.** What is larger than `partBytes` goes up in parts, `partConcurrency` at once, so an upload holds
 * at most one part more than that (40 MiB by default), and what the runtime needs to send them. A
 * part that fails is sent again. When the upload fails, what the server has of it is removed; what a killed
 * process left, `cleanUpUploads` removes. An object has at most 10,000 parts: 78 GiB of a stream of unknown size.
 *
 * **Metadata from a function** is known only after the last byte, but the server wants it before the first. A
 * stream of more than one part with such metadata is therefore stored under `.exchange/staging/`, and copied by
 * the server to its key. Metadata that is known costs nothing.
 *
 * **Downloads** go on where they were when a connection breaks, from the same version. A reader who pauses for
 * `idleTimeoutMs` gives its connection back, and gets another one when it goes on; if the object was replaced in
 * between, it fails with code `conflict`.
 *
 * **Conditions** (`createOnly`, `ifMatch`) hold also in parts. Servers that ignore them are found out: unless the
 * configuration says what the server does, the first conditional upload measures it, with small objects under
 * `.exchange/probe/` that it removes. Keys below `.exchange/` are refused to users, and listings leave them out.
 *
 * **Attempts.** A request that fails for a moment is repeated, the same on every runtime, out of a budget. When
 * the answer of a conditional write is lost, the object tells whose it is, so it is reported as what it was.
 *
 * **Rights.** Where the credentials may not list the bucket, servers answer 403 for what is missing, so it is
 * told as `permission_denied`.
 *
 * **Swift.** A server of OpenStack Swift that has only one copy of an object can say that it is missing at the very
 * moment when it is replaced.
 *
 * ```ts
 * import { S3StorageProvider } from "@benchmark-exchange/infrastructure/storage/s3";
 *
 * const storage = new S3StorageProvider({
 *   endpoint: "http://127.0.0.1:8333", // left out for Amazon S3
 *   credentials: { accessKeyId: "exchange", secretAccessKey: "exchange-secret" },
 * });
 * await storage.upload("results", "a.json", "[1, 2]", { contentType: "application/json" });
 * console.log(await storage.getPresignedUrl("results", "a.json", { expiresInMs: 60_000 }));
 * await storage.close();
 * ```
 */
export class S3StorageProvider extends PortableStorageProvider {
  readonly #driver: S3Driver;

  /** Creates the provider; connects when it is first used. Throws a `ValidationError` for a bad configuration. */
  constructor(config: S3StorageConfig) {
    const settings = checkConfig(config);
    const driver = new S3Driver(settings);
    super(driver, settings.clock);
    this.#driver = driver;
  }

  /**
   * Creates the provider that the environment names: `S3_ENDPOINT` (default: Amazon S3), `AWS_REGION`,
   * `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and `AWS_SESSION_TOKEN`; no other variables are read. Throws a
   * `ConfigurationError` that lists every problem.
   */
  static fromEnv(environment: Environment = readEnvironment(S3_VARIABLES)): S3StorageProvider {
    return new S3StorageProvider(readS3Environment(environment));
  }

  /**
   * Measures what the server does, with small objects in `bucket`, and goes by that from now on: `capabilities`
   * say what was seen. Worth doing once at the start of a service.
   */
  probe(bucket: string, options: CallOptions = {}): Promise<S3Probe> {
    return this.run("probe", options, async (call) => {
      return await this.#driver.probe(call, checkBucket("bucket", bucket));
    });
  }

  /**
   * Removes what uploads that began more than `olderThanMs` milliseconds ago and were never completed left in
   * `bucket`; take longer than your longest upload takes. Uploads of other programs count as well.
   */
  cleanUpUploads(
    bucket: string,
    olderThanMs: number,
    options: CallOptions = {},
  ): Promise<CleanedUploads> {
    return this.run("cleanUpUploads", options, async (call) => {
      checkInteger("olderThanMs", olderThanMs, { min: 0 });
      return await this.#driver.cleanUp(call, checkBucket("bucket", bucket), olderThanMs);
    });
  }
}
