import { delay } from "../../core/backoff.ts";
import type { CallOptions } from "../../core/call_options.ts";
import type { Clock } from "../../core/clock.ts";
import { Lease } from "../../core/lease.ts";
import { newId } from "../../domain/ids.ts";
import type { Database } from "../database.ts";
import type { ClaimedEvent } from "./claimed_batch.ts";
import type { OutboxEvent } from "./outbox_event.ts";
import {
  claimEvents,
  type ClaimRow,
  finishClaim,
  type FinishInput,
  renewClaim,
  runUnprepared,
} from "./relay_statements.ts";

/** How events are claimed. */
export interface ClaimTerms {
  /** How many events to look through. */
  readonly batchSize: number;
  /** How long the claim of a relay that is gone holds, in milliseconds. */
  readonly leaseMs: number;
  readonly clock: Clock;
}

/** How much the payloads of a batch take as the server stores them; the last one may be above. */
const MAX_BATCH_BYTES = 16_777_216;

/** The pause before a claim is ended again when that failed, in milliseconds. */
const RETRY_MS = 100;

/** Events that are ours until the lease is lost. */
export class Claim {
  /** In the order of the outbox. */
  readonly events: readonly ClaimedEvent[];
  /** Whether some could not be claimed only because others claimed at the same time. */
  readonly contended: boolean;
  /** Where the search can go on; `undefined` if the end was reached. */
  readonly next: number | undefined;
  /** Renews the claim. */
  readonly lease: Lease;
  readonly #token: string;
  readonly #database: Database;
  readonly #terms: ClaimTerms;

  /** Use {@linkcode claim}. */
  constructor(
    database: Database,
    terms: ClaimTerms,
    { token, sinceMs, rows }: { token: string; sinceMs: number; rows: readonly ClaimRow[] },
  ) {
    this.#token = token;
    this.#database = database;
    this.#terms = terms;
    this.events = toEvents(rows);
    this.contended = (rows[0]?.looked_at ?? 0) > this.events.length;
    this.next = rows[0]?.next ?? undefined;
    const held = {
      token: 0,
      sinceMs,
      renew: (call: CallOptions) => this.#renew(call),
      release: () => Promise.resolve(true),
    };
    this.lease = new Lease(held, { ttlMs: terms.leaseMs, clock: terms.clock });
    if (this.events.length === 0) this.lease.end();
  }

  /**
   * Ends the claim. Tries again as long as nobody else can have the events: otherwise they would be published twice.
   * Rejects with the last error; the events are free when the lease is over.
   */
  async finish(result: Omit<FinishInput, "token">, isPatient: () => boolean): Promise<void> {
    const { clock, leaseMs } = this.#terms;
    this.lease.end();
    const endMs = clock.monotonic() + leaseMs;
    for (;;) {
      try {
        const input = { ...result, token: this.#token };
        await runUnprepared(this.#database, finishClaim, input, { timeoutMs: leaseMs });
        return;
      } catch (error) {
        if (!isPatient() || clock.monotonic() + RETRY_MS >= endMs) throw error;
        await delay(RETRY_MS, undefined, clock);
      }
    }
  }

  async #renew({ signal, timeoutMs }: CallOptions): Promise<boolean> {
    const input = {
      token: this.#token,
      positions: positionsOf(this.events),
      leaseMs: this.#terms.leaseMs,
    };
    const [row] = await runUnprepared(this.#database, renewClaim, input, { signal, timeoutMs });
    return row?.renewed === this.events.length;
  }
}

/** How one claim is made. */
export interface ClaimOptions extends CallOptions {
  /** Whether the outbox had less than one batch a moment ago: then any plan is good, and planning takes longest. */
  readonly isSmall?: boolean;
}

/** Claims what is next from a position on; see {@linkcode claimEvents}. */
export async function claim(
  database: Database,
  from: number,
  terms: ClaimTerms,
  options: ClaimOptions = {},
): Promise<Claim> {
  const { leaseMs, batchSize: window, clock } = terms;
  const sinceMs = clock.monotonic();
  const token = newId();
  const input = { token, leaseMs, window, maxBytes: MAX_BATCH_BYTES, from };
  const { isSmall, ...call } = options;
  const rows = isSmall
    ? await database.run(claimEvents, input, call)
    : await runUnprepared(database, claimEvents, input, call);
  return new Claim(database, terms, { token, sinceMs, rows });
}

/** An array literal of their positions. */
export function positionsOf(events: readonly ClaimedEvent[]): string {
  return `{${events.map(({ position }) => position).join()}}`;
}

/** The server returns them in any order. */
function toEvents(rows: readonly ClaimRow[]): ClaimedEvent[] {
  return rows.filter(({ position }) => position !== null)
    .map((row) => ({ position: row.position!, event: toEvent(row) }))
    .sort((a, b) => a.position - b.position);
}

function toEvent(row: ClaimRow): OutboxEvent {
  return {
    id: row.id!,
    type: row.type!,
    time: row.time!,
    aggregateType: row.aggregate_type!,
    aggregateId: row.aggregate_id!,
    payload: row.payload,
    ...(row.correlation_id === null ? {} : { correlationId: row.correlation_id }),
    ...(row.traceparent === null ? {} : { traceparent: row.traceparent }),
    ...(row.tracestate === null ? {} : { tracestate: row.tracestate }),
    attempt: row.attempts! + 1,
  };
}
