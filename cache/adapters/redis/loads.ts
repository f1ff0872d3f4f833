import type { Buffer } from "node:buffer";
import { delay } from "../../../core/backoff.ts";
import type { Clock } from "../../../core/clock.ts";
import { Bulkhead } from "../../../core/resilience/bulkhead.ts";
import { freezeParsed, type FrozenValue } from "../../frozen_value.ts";
import type { Claim, LoadedValue, LoadRequest, LoadStore } from "../../read_through.ts";
import type { LoadSettings } from "../../write_rules.ts";
import type { Examined } from "./examined.ts";
import { encodeFrame, newLease, NOTHING_FRAME, type StoredRecord } from "./frame.ts";
import { isUnavailable, replyCode } from "../../../core/redis/redis_error.ts";
import type { RedisScript } from "../../../core/redis/redis_script.ts";
import type { RedisKeyKind, ScriptCall } from "./script.ts";
import { CLAIM, PROLONG_IF, REMOVE_IF, REPLACE_IF } from "./scripts.ts";
import type { RedisStore } from "./store.ts";
import type { RedisValues } from "./values.ts";

/** How values are loaded. */
export interface LoadsSettings {
  /** How long a claim outlives its process, in milliseconds. */
  readonly leaseMs: number;
  /** How long the server may take before a loader runs without it, in milliseconds. */
  readonly readTimeoutMs: number;
  /** From how many bytes on a value is compressed. */
  readonly compressAboveBytes: number;
  /** How long those who wait for another process pause between two looks, at most, in milliseconds. */
  readonly longestPauseMs: number;
  /** Whether loaders run without the server. */
  readonly failsOpen: boolean;
  /** How many of these run at once. */
  readonly maxConcurrentLoads: number;
  /** Measures pauses. */
  readonly clock: Clock;
  /** Resolves when nothing is owed about the key any more. */
  readonly settled: (key: string, call: ScriptCall) => Promise<unknown>;
  /** Hears of a value that was not kept. */
  readonly onDropped: (reason: "no_room" | "unavailable" | "schema_mismatch") => void;
}

/** What a claim holds on the server, and what becomes of that. */
interface Held {
  /** What the key must begin with for the loaded value to take its place. */
  readonly expected: Buffer;
  /** Prolongs it. */
  readonly renew: () => Promise<unknown>;
  /** Gives it back after the value was kept. */
  readonly onFilled: () => Promise<unknown>;
  /** Gives it back because there is nothing to be kept. */
  readonly onReleased: () => Promise<unknown>;
}

/** The first pause of those who wait for another process; each is half as long again as the one before. */
const FIRST_PAUSE_MS = 2;

/** How long after a load in the background that failed none is started. */
const REFRESH_PAUSE_MS = 1_000;

const OPERATION = "CacheProvider.getOrSet";

/**
 * Loads of one key at a time among all processes: "leases" of R. Nishtala et al., "Scaling Memcache at
 * Facebook", NSDI 2013. Who misses a key puts a lease in its place; the others see it and wait. A value
 * takes the place of its own lease only, so that one that was loaded before the key was written or removed
 * comes too late. A value that is loaded again takes the place of the one that it was loaded for.
 */
export class RedisLoads implements LoadStore<StoredRecord> {
  readonly #store: RedisStore;
  readonly #values: RedisValues;
  readonly #settings: LoadsSettings;
  readonly #limit: Bulkhead;
  readonly #leases = new Map<string, Buffer>();
  readonly #held = new Set<Claim>();
  readonly #call: ScriptCall;

  /** Creates them for the values of a store. */
  constructor(store: RedisStore, values: RedisValues, settings: LoadsSettings) {
    this.#store = store;
    this.#values = values;
    this.#settings = settings;
    this.#limit = new Bulkhead(settings.maxConcurrentLoads);
    this.#call = { operation: OPERATION, timeoutMs: settings.readTimeoutMs };
  }

  /** The lease under which this process loads the key. */
  leaseOf(key: string): Buffer | undefined {
    return this.#leases.get(key);
  }

  /** See {@linkcode LoadStore.claim}. Waits while another process loads. */
  async claim(request: LoadRequest): Promise<Claim | { readonly found: FrozenValue | undefined }> {
    try {
      return await this.#claimShared(request);
    } catch (error) {
      if (isFull(error)) return this.#claimAlone(request, "no_room");
      if (!this.#settings.failsOpen || !isUnavailable(error)) throw error;
      return this.#claimAlone(request);
    }
  }

  /** See {@linkcode LoadStore.claimRefresh}. */
  async claimRefresh(request: LoadRequest, stale: StoredRecord): Promise<Claim | undefined> {
    const { key } = request;
    const token = crypto.randomUUID();
    const lease = ["NX", "PX", String(this.#settings.leaseMs)];
    const won = await this.#store.send("SET", "refresh", key, [token, ...lease], this.#call);
    if (won === null) return undefined;
    const prolong = (ms: number): Promise<unknown> =>
      this.#run(PROLONG_IF, "refresh", key, [token, String(ms)]);
    return this.#hold(request, {
      expected: stale.head,
      renew: () => prolong(this.#settings.leaseMs),
      onFilled: () => this.#run(REMOVE_IF, "refresh", key, [token]),
      onReleased: () => prolong(REFRESH_PAUSE_MS),
    });
  }

  /** Gives every claim back. */
  async releaseAll(): Promise<void> {
    await Promise.all([...this.#held].map((claim) => claim.release()));
  }

  async #claimShared(
    request: LoadRequest,
  ): Promise<Claim | { readonly found: FrozenValue | undefined }> {
    const lease = newLease();
    await this.#settings.settled(request.key, this.#call);
    const { longestPauseMs } = this.#settings;
    for (let pauseMs = FIRST_PAUSE_MS;; pauseMs = Math.min(longestPauseMs, pauseMs * 1.5)) {
      const found = await this.#tryToClaim(request.key, lease);
      if (found === "won") return this.#won(request, lease);
      if (found.kind === "nothing") return { found: undefined };
      if (found.kind === "value") {
        if (request.fits(found.value)) return { found: freezeParsed(found.value) };
        this.#settings.onDropped("schema_mismatch");
        await this.#values.discard(request.key, this.#call);
      }
      if (found.kind === "lease") await delay(pauseMs, request.signal, this.#settings.clock);
    }
  }

  async #tryToClaim(key: string, lease: Buffer): Promise<Examined | "won"> {
    const { leaseMs } = this.#settings;
    try {
      const reply = await this.#run(CLAIM, "value", key, [lease, String(leaseMs)]) as Buffer;
      if (reply.toString("latin1") === "won") return "won";
      const found = await this.#values.examineBytes(key, reply, this.#call);
      if (found.kind !== "value" || found.leftMs > 0 || !found.record) return found;
      const replaced = [found.record.head, lease, String(leaseMs)];
      const won = await this.#run(REPLACE_IF, "value", key, replaced) === 1;
      return won ? "won" : { kind: "missing" };
    } catch (error) {
      if (replyCode(error) !== "WRONGTYPE") throw error;
      await this.#values.dropOther(key, this.#call);
      return { kind: "missing" };
    }
  }

  #won(request: LoadRequest, lease: Buffer): Promise<Claim> {
    const { key } = request;
    this.#leases.set(key, lease);
    const forget = (): void => {
      if (this.#leases.get(key) === lease) this.#leases.delete(key);
    };
    return this.#hold(request, {
      expected: lease,
      renew: () => this.#run(PROLONG_IF, "value", key, [lease, String(this.#settings.leaseMs)]),
      onFilled: () => Promise.resolve(forget()),
      onReleased: () => {
        forget();
        return this.#run(REMOVE_IF, "value", key, [lease]);
      },
    });
  }

  async #hold(request: LoadRequest, held: Held): Promise<Claim> {
    // The versions, too: one that ended before its value would take that along.
    const keepVersions = (): Promise<Record<string, string>> => this.#versionsFor(request.settings);
    const stopRenewal = this.#keepRenewing(() => Promise.all([held.renew(), keepVersions()]));
    let ending: Promise<void> | undefined;
    const end = (finish: () => Promise<unknown>): Promise<void> => {
      stopRenewal();
      // What stays on the server because of an error ends with its lease.
      ending ??= finish().catch(() => {}).then(() => void this.#held.delete(claim));
      return ending;
    };
    let versions: Readonly<Record<string, string>> = {};
    const claim: Claim = {
      fill: (loaded) =>
        end(async () => {
          try {
            await this.#fill(request, held.expected, versions, loaded);
          } finally {
            await held.onFilled();
          }
        }),
      release: () => end(held.onReleased),
    };
    this.#held.add(claim);
    try {
      versions = await keepVersions();
      return claim;
    } catch (error) {
      await claim.release();
      throw error;
    }
  }

  /** The versions of the tags, which outlive a value that is written before the claim has to be renewed. */
  #versionsFor({ tags, ttlMs, staleMs }: LoadSettings): Promise<Record<string, string>> {
    const lifetimeMs = ttlMs + staleMs + this.#settings.leaseMs;
    return this.#values.tags.current(tags, lifetimeMs, this.#call);
  }

  async #fill(
    { key, settings }: LoadRequest,
    expected: Buffer,
    tags: Readonly<Record<string, string>>,
    loaded: LoadedValue | undefined,
  ): Promise<void> {
    const { ttlMs, staleMs, earlyRefresh, negativeTtlMs } = settings;
    try {
      if (loaded === undefined) {
        if (negativeTtlMs === undefined) await this.#run(REMOVE_IF, "value", key, [expected]);
        else await this.#replace(key, expected, NOTHING_FRAME, negativeTtlMs);
        return;
      }
      const hasRecord = settings.tags.length > 0 || staleMs > 0 || earlyRefresh > 0;
      const record = hasRecord ? { staleMs, loadMs: loaded.loadMs, tags } : undefined;
      const { compressAboveBytes } = this.#settings;
      const frame = await encodeFrame(loaded.encoded, { compressAboveBytes, record });
      await this.#replace(key, expected, frame, ttlMs + staleMs);
    } catch (error) {
      this.#settings.onDropped(isFull(error) ? "no_room" : "unavailable");
      await this.#run(REMOVE_IF, "value", key, [expected]);
    }
  }

  #replace(key: string, expected: Buffer, frame: string | Buffer, ttlMs: number): Promise<unknown> {
    const lifetime = ttlMs === Infinity ? "" : String(ttlMs);
    return this.#run(REPLACE_IF, "value", key, [expected, frame, lifetime]);
  }

  /** A claim without the server: nothing is kept, and only so many loaders run at once. */
  async #claimAlone({ signal, nested }: LoadRequest, reason?: "no_room"): Promise<Claim> {
    // A load that another load waits for must not wait for the end of that one.
    const leave = nested ? () => {} : await this.#limit.enter(signal);
    const release = (): Promise<void> => Promise.resolve(leave());
    const fill = (loaded: LoadedValue | undefined): Promise<void> => {
      if (loaded !== undefined && reason) this.#settings.onDropped(reason);
      return release();
    };
    return { fill, release };
  }

  #keepRenewing(renew: () => Promise<unknown>): () => void {
    const { clock, leaseMs } = this.#settings;
    let cancel = (): void => {};
    const schedule = (): void => {
      cancel = clock.after(leaseMs / 3, () => {
        renew().catch(() => {});
        schedule();
      }, { background: true });
    };
    schedule();
    return () => cancel();
  }

  #run(
    script: RedisScript,
    kind: RedisKeyKind,
    key: string,
    args: readonly (string | Uint8Array)[],
  ): Promise<unknown> {
    return this.#store.run(script, kind, key, args, this.#call);
  }
}

function isFull(error: unknown): boolean {
  return replyCode(error) === "OOM";
}
