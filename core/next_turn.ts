import { nodeModule } from "./node_module.ts";

const timers = nodeModule("node:timers");

/** Resolves in the next turn of the event loop, when timers and sockets had theirs. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    if (timers) timers.setImmediate(resolve);
    else setTimeout(resolve, 0);
  });
}
