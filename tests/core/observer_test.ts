import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  jsonLinesObserver,
  type Observer,
  safeObserver,
  silentObserver,
} from "../../core/observer.ts";

test("the silent observer accepts everything", () => {
  observeAll(silentObserver);
});

test("each record is one line of JSON with its time, its kind and its values", () => {
  const lines: string[] = [];
  observeAll(jsonLinesObserver((line) => lines.push(line)));
  const records = lines.map((line) => JSON.parse(line));
  for (const { time } of records) assert.equal(new Date(time).toISOString(), time);
  assert.deepEqual(records.map(({ time: _, ...record }) => record), [
    { kind: "log", level: "warn", message: "A key was dropped", attributes: { "cache.key": "a" } },
    { kind: "count", name: "cache.hits", value: 2 },
    {
      kind: "duration",
      name: "db.query",
      durationMs: 1.5,
      attributes: { "error.type": "timeout" },
    },
  ]);
});

test("no value can begin a line of its own or send a control sequence", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => {
    const lines: string[] = [];
    const observer = jsonLinesObserver((line) => lines.push(line));
    observer.log({ level: "info", message: `\r\n\u001b[31m${text}`, attributes: { [text]: text } });
    assert.equal(lines.length, 1);
    // deno-lint-ignore no-control-regex
    assert.doesNotMatch(lines[0]!, /[\u0000-\u001f]/);
    assert.equal(JSON.parse(lines[0]!).message, `\r\n\u001b[31m${text}`);
  }));
});

test("a safe observer passes everything on", () => {
  const lines: string[] = [];
  observeAll(safeObserver(jsonLinesObserver((line) => lines.push(line))));
  assert.equal(lines.length, 3);
});

test("a safe observer drops what its observer throws", () => {
  const fail = (): never => {
    throw new Error("broken observer");
  };
  observeAll(safeObserver({ log: fail, count: fail, duration: fail }));
});

function observeAll(observer: Observer): void {
  const attributes = { "cache.key": "a" };
  observer.log({ level: "warn", message: "A key was dropped", attributes });
  observer.count("cache.hits", 2);
  observer.duration("db.query", 1.5, { "error.type": "timeout" });
}
