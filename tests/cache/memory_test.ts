import assert from "node:assert/strict";
import { test } from "node:test";
import { MemoryCacheProvider } from "../../cache/adapters/memory.ts";
import { cacheConformance } from "../conformance/cache.ts";
import { ManualClock } from "../conformance/manual_clock.ts";

const clock = new ManualClock();

cacheConformance(test, {
  name: "memory",
  capabilities: { shared: false, atomicMany: true },
  open: ({ observer }) => Promise.resolve(new MemoryCacheProvider({ clock, observer })),
  openSmall: ({ observer }) =>
    Promise.resolve(new MemoryCacheProvider({ maxBytes: 10_000, clock, observer })),
  passTime: (ms) => Promise.resolve(clock.advance(ms)),
});
