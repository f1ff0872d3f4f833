import assert from "node:assert/strict";
import { test } from "node:test";
import {
  checkCall,
  checkLoader,
  checkSchema,
  closedError,
  interruptedError,
} from "../../cache/call_rules.ts";

test("a call may start without options, and with a deadline and a live signal", () => {
  assert.doesNotThrow(() => checkCall("CacheProvider.get", undefined));
  const signal = new AbortController().signal;
  assert.doesNotThrow(() => checkCall("CacheProvider.get", { timeoutMs: 1, signal }));
});

test("a call with an aborted signal has not been applied", () => {
  assert.throws(() => checkCall("CacheProvider.get", { signal: AbortSignal.abort() }), {
    code: "aborted",
    operation: "CacheProvider.get",
    outcome: "not-applied",
    message: "Cannot start CacheProvider.get: the caller's signal has aborted",
  });
});

test("a call that was interrupted on the way has an unknown outcome", () => {
  const timeout = interruptedError("CacheProvider.set", { kind: "timeout", timeoutMs: 5 });
  assert.equal(timeout.code, "timeout");
  assert.equal(timeout.outcome, "unknown");
  assert.equal(timeout.retryable, true);
  const aborted = interruptedError("CacheProvider.set", { kind: "aborted", reason: "s3cr3t" });
  assert.equal(aborted.code, "aborted");
  assert.equal(aborted.retryable, false);
  assert.doesNotMatch(aborted.message, /s3cr3t/);
});

test("a closed cache says so", () => {
  assert.equal(
    closedError("CacheProvider.get").message,
    "Cannot use CacheProvider.get: the cache is closed",
  );
});

test("a loader is a function", () => {
  assert.doesNotThrow(() => checkLoader(() => 1));
  assert.throws(() => checkLoader(5), {
    field: "loader",
    message: "Cannot use loader: it must be a function, got number",
  });
});

test("a schema is what can parse", () => {
  assert.doesNotThrow(() => checkSchema(undefined));
  assert.doesNotThrow(() => checkSchema({ parse: () => 1 }));
  assert.throws(() => checkSchema(null), {
    field: "schema",
    message: "Cannot use schema: it must have a method parse, got null",
  });
});
