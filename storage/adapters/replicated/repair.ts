import type { CallOptions } from "../../../core/call_options.ts";
import { InfrastructureError } from "../../../core/errors.ts";
import { storageFailure } from "../../failures.ts";
import { mergedKeys } from "./merged_keys.ts";
import { type Pair, synchronize, type Synchronized } from "./synchronize.ts";

/** What to repair. The default deadline, 30 seconds or 10 minutes for moving bytes, holds for each step. */
export interface RepairOptions extends CallOptions {
  /** Only keys that begin with this. Default: all. */
  readonly prefix?: string;
  /**
   * Whether to remove from the replicas what the primary lacks: deletions that a replica missed. Look at
   * `extra` first, for a primary that has lost objects looks the same. Default: `false`.
   */
  readonly removeExtra?: boolean;
}

/** What repairing one replica has found and done. */
export interface RepairedReplica {
  /** How many keys were compared. */
  readonly compared: number;
  /** How many objects were missing or different, and are now those of the primary. */
  readonly copied: number;
  /** How many objects were removed. */
  readonly removed: number;
  /** The keys of objects that the primary lacks and that were kept, in no order. */
  readonly extra: readonly string[];
  /** What could not be repaired; without a key, the replica could not be listed to its end. */
  readonly failures: readonly RepairFailure[];
}

/** What could not be repaired. */
export interface RepairFailure {
  /** The key of the object. */
  readonly key?: string;
  /** Why. */
  readonly error: InfrastructureError;
}

/** How many objects of a replica are compared at once. */
const CONCURRENCY = 16;

/** Makes the objects of a bucket of the replica those of the primary. */
export async function repairReplica(
  { primary, replica }: Pair,
  bucket: string,
  { prefix = "", removeExtra = false, ...limits }: RepairOptions,
): Promise<RepairedReplica> {
  const counts: Record<Synchronized, number> = { same: 0, copied: 0, removed: 0, extra: 0 };
  const extra: string[] = [];
  const failures: RepairFailure[] = [];
  const fail = (error: unknown, key?: string): void => {
    if (limits.signal?.aborted) throw error;
    failures.push({ ...(key !== undefined && { key }), error: toFailure(error) });
  };
  const repairKey = async (key: string): Promise<void> => {
    const done = await synchronize({ primary, replica }, { bucket, key }, {
      ...limits,
      removeExtra,
    });
    counts[done]++;
    if (done === "extra") extra.push(key);
  };
  try {
    if (!await replica.bucketExists(bucket, limits)) await replica.createBucket(bucket, limits);
    const [one, other] = [primary, replica].map((storage) => {
      return storage.iterateObjects(bucket, { ...limits, prefix });
    });
    const keys = mergedKeys(one!, other!);
    const work = async (): Promise<void> => {
      for await (const key of keys) await repairKey(key).catch((error) => fail(error, key));
    };
    const ends = await Promise.allSettled(Array.from({ length: CONCURRENCY }, work));
    const failed = ends.find(({ status }) => status === "rejected");
    if (failed) throw (failed as PromiseRejectedResult).reason;
  } catch (error) {
    fail(error);
  }
  const { copied, removed } = counts;
  const compared = Object.values(counts).reduce((sum, count) => sum + count, 0);
  return { compared, copied, removed, extra, failures };
}

function toFailure(error: unknown): InfrastructureError {
  if (error instanceof InfrastructureError) return error;
  return storageFailure("copy", "it failed", { code: "internal", cause: error });
}
