import type { CallOptions } from "../../../core/call_options.ts";
import { systemClock } from "../../../core/clock.ts";
import { ValidationError } from "../../../core/errors.ts";
import { DEFAULT_TIMEOUT_MS, runCall, TRANSFER_TIMEOUT_MS } from "../../call.ts";
import { missing } from "../../failures.ts";
import { locateRange } from "../../range.ts";
import { collect } from "../../read_stream.ts";
import type {
  DownloadOptions,
  ListOptions,
  ObjectMetadata,
  ObjectPage,
  ObjectStream,
} from "../../storage.ts";
import { failoverBody } from "./failover_body.ts";
import { type FailoverSettings, firstAnswer, type Location, PRIMARY } from "./locations.ts";
import { checkedBody, shownMetadata } from "./record.ts";

/** What a {@linkcode ReplicatedStorageProvider} reads, from the first place that can tell. */
export class ReplicatedReads {
  readonly #locations: readonly Location[];
  readonly #settings: FailoverSettings;

  /** Reads from the locations in their order, the primary first. */
  constructor(locations: readonly Location[], settings: FailoverSettings) {
    this.#locations = locations;
    this.#settings = settings;
  }

  /** Reads an object, or a range of it, into memory, from the first place where it is intact. */
  download(
    bucket: string,
    key: string,
    { range, ifMatch, ...options }: DownloadOptions,
  ): Promise<Uint8Array<ArrayBuffer>> {
    const limits = { ...options, defaultTimeoutMs: TRANSFER_TIMEOUT_MS };
    return runCall("download", limits, systemClock, ({ signal }) => {
      return this.#read({ ...limits, signal }, async ({ storage }, attempt) => {
        const opened = { ...attempt, range, ifMatch };
        const object = await storage.downloadStream(bucket, key, opened);
        const span = locateRange(range, object.metadata.size);
        return await collect(checkedBody(object, span), span.end - span.start);
      });
    });
  }

  /** Opens an object, or a range of it, as a stream. */
  downloadStream(
    bucket: string,
    key: string,
    { range, ifMatch, ...limits }: DownloadOptions,
  ): Promise<ObjectStream> {
    return this.#read(limits, async (location, attempt) => {
      const opened = { ...attempt, range, ifMatch };
      const object = await location.storage.downloadStream(bucket, key, opened);
      const span = locateRange(range, object.metadata.size);
      const others = this.#locations.slice(this.#locations.indexOf(location) + 1);
      const source = { ...object, address: { bucket, key }, span, location, others };
      const body = failoverBody(source, { ...this.#settings, signal: limits.signal });
      const metadata = shownMetadata(object.metadata);
      return { metadata, body: checkedBody({ ...object, body }, span) };
    });
  }

  /** Tells whether there is an object. */
  exists(bucket: string, key: string, options: CallOptions): Promise<boolean> {
    return this.#read(options, async ({ name, storage }, attempt) => {
      const found = await storage.exists(bucket, key, attempt);
      // A replica may only not have it yet.
      if (!found && name !== PRIMARY) throw missing("exists", "object");
      return found;
    });
  }

  /** Reads everything about an object but its bytes. */
  getMetadata(bucket: string, key: string, options: CallOptions): Promise<ObjectMetadata> {
    return this.#read(options, async ({ storage }, attempt) => {
      return shownMetadata(await storage.getMetadata(bucket, key, attempt));
    });
  }

  /** Lists one page of a bucket; the next pages come from the same place. */
  async listObjects(bucket: string, options: ListOptions): Promise<ObjectPage> {
    const { cursor, ...rest } = options;
    const begun = cursor === undefined ? undefined : this.#readCursor(cursor);
    const limits = begun ? { ...rest, locations: [begun.location] } : rest;
    return await this.#read(limits, async (location, attempt) => {
      const asked = { ...rest, ...attempt, ...(begun && { cursor: begun.cursor }) };
      const page = await location.storage.listObjects(bucket, asked);
      if (page.nextCursor === undefined) return page;
      return { ...page, nextCursor: `${this.#locations.indexOf(location)}:${page.nextCursor}` };
    });
  }

  /** Tells whether there is a bucket. */
  bucketExists(bucket: string, options: CallOptions): Promise<boolean> {
    return this.#read(options, async ({ name, storage }, attempt) => {
      const found = await storage.bucketExists(bucket, attempt);
      if (!found && name !== PRIMARY) throw missing("bucketExists", "bucket");
      return found;
    });
  }

  async #read<T>(
    { locations = this.#locations, ...limits }: ReadOptions,
    ask: (location: Location, limits: CallOptions) => Promise<T>,
  ): Promise<T> {
    const { signal, timeoutMs, defaultTimeoutMs = DEFAULT_TIMEOUT_MS } = limits;
    const read = { signal, timeoutMs, defaultTimeoutMs };
    return await firstAnswer(locations, read, this.#settings, ask);
  }

  #readCursor(cursor: string): { readonly location: Location; readonly cursor: string } {
    const [, index, rest] = /^(\d{1,3}):(.+)$/s.exec(cursor) ?? [];
    const location = this.#locations[Number(index)];
    if (location && rest) return { location, cursor: rest };
    throw new ValidationError("cursor", "it must be the nextCursor of a page");
  }
}

type ReadOptions = CallOptions & {
  readonly defaultTimeoutMs?: number;
  readonly locations?: readonly Location[];
};
