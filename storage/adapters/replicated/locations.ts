import type { CallOptions } from "../../../core/call_options.ts";
import { InfrastructureError, IntegrityError } from "../../../core/errors.ts";
import type { Observer } from "../../../core/observer.ts";
import { shareDeadline } from "../../call.ts";
import type { StorageProvider } from "../../storage.ts";

/** The name of the location that decides. */
export const PRIMARY = "primary";

/** One of several storages that hold the same objects. */
export interface Location {
  /** `primary`, `replica 1`, and so on. */
  readonly name: string;
  /** The storage. */
  readonly storage: StorageProvider;
}

/** How a read goes from one location to the next. */
export interface FailoverSettings {
  /** How long a location may take to answer while there is another one, in milliseconds. */
  readonly failoverMs: number;
  /** Hears which locations did not do. */
  readonly observer: Observer;
}

/** The limits of a call, and its deadline if it names none. */
export type ReadLimits = CallOptions & { readonly defaultTimeoutMs: number };

/**
 * Asks one location after the other until one answers. The first one, the primary, is also believed
 * when it refuses; what it says of a missing object counts. A replica can lag, so what it refuses is
 * asked of the next. Rejects with the first failure if nobody answers.
 */
export async function firstAnswer<T>(
  locations: readonly Location[],
  { signal, timeoutMs, defaultTimeoutMs }: ReadLimits,
  settings: FailoverSettings,
  ask: (location: Location, limits: CallOptions) => Promise<T>,
): Promise<T> {
  const left = shareDeadline({ signal, timeoutMs }, defaultTimeoutMs);
  let failure: unknown;
  for (const [index, location] of locations.entries()) {
    const limits = left();
    const isLast = index === locations.length - 1;
    const ownMs = isLast ? limits.timeoutMs : Math.min(limits.timeoutMs, settings.failoverMs);
    try {
      return await ask(location, { ...limits, timeoutMs: ownMs });
    } catch (error) {
      if (signal?.aborted || (location.name === PRIMARY && !canFailOver(error))) throw error;
      reportFailover(settings.observer, location, error);
      failure ??= error;
    }
  }
  throw failure;
}

/** Whether another location can do better: this one is away, too slow, or its bytes are damaged. */
export function canFailOver(error: unknown): boolean {
  if (!(error instanceof InfrastructureError)) return false;
  return error.retryable || error instanceof IntegrityError;
}

/** Says that a location did not do for a read. */
export function reportFailover(observer: Observer, { name }: Location, error: unknown): void {
  const code = error instanceof InfrastructureError ? error.code : "internal";
  observer.count("storage.failed_over", 1, { location: name, code });
}
