import { checkTimeout, settleWithin } from "../../core/call_options.ts";
import { type Clock, systemClock } from "../../core/clock.ts";
import { interruptionError } from "../interruption.ts";
import type { Middleware } from "./middleware.ts";

/**
 * Ends the wait for a handler, or for one attempt of it, after `timeoutMs` (above 0): its signal aborts, and the
 * call fails with a `MessagingError` of code `timeout`. It also ends with the time that the bus gives a handler.
 *
 * ```ts
 * import { setTimeout as pause } from "node:timers/promises";
 * import { MemoryEventBus, timeout } from "@benchmark-exchange/infrastructure/messaging";
 *
 * const bus = new MemoryEventBus({ onProblem: (problem) => console.log(problem.kind) });
 * const verify = timeout(100)((_message, { signal }) => pause(60_000, undefined, { signal }));
 * await bus.subscribe("events:verification", verify);
 * await bus.publish("events:verification", { submissionId: "s-1" });
 * await bus.close(); // "handler_failed", after 100 ms
 * ```
 */
export function timeout(timeoutMs: number, clock: Clock = systemClock): Middleware {
  checkTimeout(timeoutMs);
  return (next) => async (message, context) => {
    const controller = new AbortController();
    const signal = AbortSignal.any([controller.signal, context.signal]);
    // What else the bus tells, such as the attempt, are own properties or getters of the context.
    const narrowed = Object.create(context, { signal: { value: signal } }) as typeof context;
    const handled = async (): Promise<unknown> => await next(message, narrowed);
    return await settleWithin(
      handled(),
      { defaultTimeoutMs: timeoutMs, signal: context.signal, clock },
      (interruption) => {
        const error = interruptionError("handle the message", interruption, {
          reason: "the handler was given up",
          outcome: "unknown",
        });
        controller.abort(error);
        return error;
      },
    );
  };
}
