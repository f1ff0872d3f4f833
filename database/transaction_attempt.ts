import { type CallOptions, settleWithin } from "../core/call_options.ts";
import { DatabaseError, type Outcome, ValidationError } from "../core/errors.ts";
import { leftMs } from "./deadline.ts";
import type { DriverResult } from "./driver.ts";
import type { Session } from "./session.ts";
import {
  connectionLost,
  preferConflict,
  refuseCommit,
  settleFunction,
  Transaction,
  type TransactionOptions,
  type TransactionSettings,
} from "./transaction.ts";

/** What all attempts of a transaction have in common. */
export interface TransactionPlan {
  /** The statement that begins it. */
  readonly begin: string;
  /** Whether it refuses writes. */
  readonly readOnly: boolean | undefined;
  /** The signal of the caller. */
  readonly signal: AbortSignal | undefined;
  /** When the last attempt has to be done, on the monotonic clock. */
  readonly deadlineMs: number;
  /** How its statements run. */
  readonly settings: TransactionSettings;
}

/** How long a rollback may take before the connection is closed instead. */
const ROLLBACK_TIMEOUT_MS = 5_000;

/** Spelt out, so that no text of a caller gets into SQL. */
const ISOLATION = {
  "read committed": "read committed",
  "repeatable read": "repeatable read",
  "serializable": "serializable",
} as const;

/** The statement that begins a transaction; throws a {@linkcode ValidationError} for an unknown isolation. */
export function beginStatement({ isolation, readOnly }: TransactionOptions): string {
  if (isolation !== undefined && !Object.hasOwn(ISOLATION, isolation)) {
    const known = Object.keys(ISOLATION).join(", ");
    throw new ValidationError("isolation", `it must be one of ${known}`);
  }
  const modes = [
    isolation ? `isolation level ${ISOLATION[isolation]}` : "",
    readOnly ? "read only" : "",
  ];
  return ["begin", ...modes].filter(Boolean).join(" ");
}

/** Begins a transaction, runs `fn` in it, and commits or rolls back. */
export async function attemptTransaction<T>(
  session: Session,
  fn: (transaction: Transaction) => Promise<T>,
  plan: TransactionPlan,
): Promise<T> {
  const options = (): CallOptions => ({ signal: plan.signal, timeoutMs: leftMs(plan.deadlineMs) });
  const transaction = new Transaction(session, plan.settings);
  try {
    await control(session, plan.begin, "begin transaction", options());
    const result = await settleFunction(session, async () => {
      const result = await fn(transaction);
      await transaction.end();
      return result;
    }, options());
    await commit(session, transaction, options());
    return result;
  } catch (error) {
    await rollBack(session, transaction);
    throw preferConflict(error, transaction.failure);
  }
}

async function commit(
  session: Session,
  transaction: Transaction,
  options: CallOptions,
): Promise<void> {
  if (transaction.failure) throw refuseCommit(transaction.failure);
  const operation = "commit transaction";
  if (!session.usable) throw connectionLost(operation);
  const { command } = await control(session, "commit", operation, options, "unknown");
  if (command !== "ROLLBACK") return;
  throw new DatabaseError(`Cannot ${operation}: the server rolled it back`, {
    code: "conflict",
    operation,
  });
}

async function rollBack(session: Session, transaction: Transaction): Promise<void> {
  const ended = transaction.end();
  // Closing a connection rolls back as well.
  if (!session.usable) return session.destroy();
  const rolledBack = ended.then(() => control(session, "rollback", "roll back transaction", {}));
  const limit = { defaultTimeoutMs: ROLLBACK_TIMEOUT_MS };
  await settleWithin(rolledBack, limit, () => new Error("no answer")).catch(() =>
    session.destroy()
  );
}

function control(
  session: Session,
  text: string,
  operation: string,
  options: CallOptions,
  outcomeIfLost: Outcome = "not-applied",
): Promise<DriverResult> {
  const step = { ...options, operation, outcomeIfLost, defaultTimeoutMs: ROLLBACK_TIMEOUT_MS };
  return session.execute({ text, values: [] }, step);
}
