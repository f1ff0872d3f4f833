import assert from "node:assert/strict";
import { test } from "node:test";
import { type Flight, SingleFlight } from "../../cache/single_flight.ts";
import { CacheError } from "../../core/errors.ts";
import { ManualClock } from "../conformance/manual_clock.ts";

const OPTIONS = { operation: "CacheProvider.getOrSet", defaultTimeoutMs: 1_000 };

interface Held {
  readonly load: (flight: Flight) => Promise<string>;
  readonly flights: Flight[];
  release(value: string): void;
  fail(error: Error): void;
}

function held(): Held {
  let release: (value: string) => void = () => {};
  let fail: (error: Error) => void = () => {};
  const result = new Promise<string>((resolve, reject) => {
    release = resolve;
    fail = reject;
  });
  const flights: Flight[] = [];
  const load = (flight: Flight): Promise<string> => {
    flights.push(flight);
    return result;
  };
  return { load, flights, release: (value) => release(value), fail: (error) => fail(error) };
}

test("a thousand callers share one load, and the next one starts anew", async () => {
  const loads = new SingleFlight<string>();
  const { load, flights, release } = held();
  const callers = Array.from({ length: 1_000 }, () => loads.run("k", load, OPTIONS));
  release("value");
  assert.deepEqual(new Set(await Promise.all(callers)), new Set(["value"]));
  assert.equal(flights.length, 1);
  assert.equal(flights[0]?.signal.aborted, false);
  assert.equal(await loads.run("k", () => Promise.resolve("next"), OPTIONS), "next");
});

test("an error reaches every caller as it is", async () => {
  const loads = new SingleFlight<string>();
  const { load, fail } = held();
  const callers = [loads.run("k", load, OPTIONS), loads.run("k", load, OPTIONS)];
  const failure = new Error("the loader failed");
  fail(failure);
  for (const result of await Promise.allSettled(callers)) {
    assert.equal((result as PromiseRejectedResult).reason, failure);
  }
});

test("the load is told when the last caller has run into its deadline, and not before", async () => {
  const clock = new ManualClock();
  const loads = new SingleFlight<string>(clock);
  const { load, flights, fail } = held();
  const first = loads.run("k", load, { ...OPTIONS, timeoutMs: 10 });
  const second = loads.run("k", load, { ...OPTIONS, timeoutMs: 20 });
  const gone = [first, second].map((caller) => assert.rejects(caller, { code: "timeout" }));
  await Promise.resolve();
  clock.advance(10);
  await gone[0];
  assert.equal(flights[0]?.signal.aborted, false);
  assert.equal(flights[0]?.isCurrent(), true);
  clock.advance(10);
  await gone[1];
  assert.equal(flights[0]?.signal.aborted, true);
  assert.equal(flights[0]?.isCurrent(), false);
  fail(new Error("too late for anybody: it must not surface as unhandled"));
});

test("a forgotten load is not current, keeps its callers, and gets no new ones", async () => {
  const loads = new SingleFlight<string>();
  const [old, fresh] = [held(), held()];
  const early = loads.run("user:1", old.load, OPTIONS);
  loads.forgetWhere((key) => key.startsWith("user:"));
  const late = loads.run("user:1", fresh.load, OPTIONS);
  await Promise.resolve();
  assert.equal(old.flights[0]?.isCurrent(), false);
  old.release("old");
  assert.equal(await early, "old");
  assert.equal(fresh.flights[0]?.isCurrent(), true, "the end of the old load leaves the new one");
  fresh.release("new");
  assert.equal(await late, "new");
});

test("close rejects the callers of every running load, also of a forgotten one", async () => {
  const loads = new SingleFlight<string>();
  const [one, two] = [held(), held()];
  const callers = [loads.run("a", one.load, OPTIONS), loads.run("b", two.load, OPTIONS)];
  loads.forget("a");
  await Promise.resolve();
  const closed = new CacheError("Cannot go on: closed", { code: "closed", operation: "test" });
  loads.close(closed);
  for (const caller of callers) await assert.rejects(caller, closed);
  for (const { flights } of [one, two]) assert.equal(flights[0]?.signal.aborted, true);
  await assert.rejects(loads.run("c", () => Promise.resolve("too late"), OPTIONS), closed);
});

test("a bad deadline is refused and leaves nothing running", async () => {
  const loads = new SingleFlight<string>();
  const { load, flights } = held();
  await assert.rejects(loads.run("k", load, { ...OPTIONS, timeoutMs: 0 }), { field: "timeoutMs" });
  assert.equal(flights[0]?.signal.aborted, true);
  assert.equal(await loads.run("k", () => Promise.resolve("next"), OPTIONS), "next");
});
