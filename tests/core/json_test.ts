import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type SerializationError, ValidationError } from "../../core/errors.ts";
import { checkDecodedJson, decodeJson, encodeJson, encodeJsonWithin } from "../../core/json.ts";

const key = fc.stringMatching(/^[a-z]{1,8}$/);

test("what JSON can hold comes back unchanged, except that -0 becomes 0", () => {
  assert.equal(encodeJson("value", -0), "0");
  // A key of this name is refused, as another test says.
  const value = fc.jsonValue().filter((one) => !JSON.stringify(one).includes("__proto__"));
  fc.assert(fc.property(value, (value) => {
    assert.deepEqual(decodeJson(encodeJson("value", value), "test"), withoutMinusZero(value));
  }));
});

test("undefined members are left out and dates become ISO strings", () => {
  const value = { a: undefined, b: new Date(0), c: [new Date(1)] };
  const text = `{"b":"1970-01-01T00:00:00.000Z","c":["1970-01-01T00:00:00.001Z"]}`;
  assert.equal(encodeJson("value", value), text);
});

test("text that reads like an escape is text like any other", () => {
  for (const text of ["\\u0000", "\\ud800", "\u0001", "\\"]) {
    const value = { [text]: [text] };
    assert.deepEqual(decodeJson(encodeJson("value", value), "test"), value);
  }
});

const UNFIT: Record<string, unknown> = {
  "NaN": NaN,
  "an infinity": -Infinity,
  "a bigint": 1n,
  "a function": () => {},
  "a symbol": Symbol("s"),
  "undefined in an array": [undefined],
  "a hole in an array": new Array(1),
  "a map": new Map(),
  "a set": new Set(),
  "bytes": new Uint8Array(1),
  "an instance of a class": new URL("https://example.org"),
  "an invalid date": new Date(NaN),
  "NUL in a string": "a\0b",
  "a lone surrogate in a string": "\ud800",
  "NUL in a key": { "a\0": 1 },
  "a lone surrogate in a key": { "\udc00": 1 },
  "NUL in a key whose member is left out": { "a\0": undefined },
  "a __proto__ key": JSON.parse(`{"__proto__":{"admin":true}}`),
};

for (const [what, value] of Object.entries(UNFIT)) {
  test(`${what} is refused, wherever it is`, () => {
    assert.throws(() => encodeJson("value", value), ValidationError);
    fc.assert(fc.property(fc.array(fc.oneof(key, fc.nat(3)), { maxLength: 10 }), (path) => {
      assert.throws(() => encodeJson("value", plant(path, value)), ValidationError);
    }));
  });
}

test("the error names the path of what is refused and does not show it", () => {
  fc.assert(fc.property(fc.array(fc.oneof(key, fc.nat(3)), { maxLength: 10 }), (path) => {
    const field = path.reduce<string>(
      (text, part) => typeof part === "number" ? `${text}[${part}]` : `${text}.${part}`,
      "results",
    );
    assert.throws(
      () => encodeJson("results", plant(path, "secret\0")),
      (error: ValidationError) => {
        assert.equal(error.field, field);
        return !error.message.includes("secret");
      },
    );
  }));
});

test("200 levels are encoded, more are refused without exhausting the stack", () => {
  const nested = (levels: number): unknown => plant(new Array(levels).fill(0), 1);
  assert.equal(encodeJson("value", nested(200)).length, 401);
  for (const levels of [201, 100_000]) {
    assert.throws(() => encodeJson("value", nested(levels)), /more than 200 levels/);
  }
});

test("a cycle is refused, and the beginning of its path is named", () => {
  const value: Record<string, unknown> = {};
  value.list = [{ self: value }];
  assert.throws(() => encodeJson("entries[0].value", value), {
    field: "entries[0].value.list[0].self.list[0]…",
    reason: "it is nested more than 200 levels deep, or holds itself",
  });
});

test("malformed text is an error that does not show the text", () => {
  for (const text of ["", "{", "secret", `{"a":01}`]) {
    assert.throws(() => decodeJson(text, "Cache.get"), (error: SerializationError) => {
      assert.equal(error.operation, "Cache.get");
      const message = `Cannot decode JSON of ${text.length} characters: it is malformed`;
      return error.message === message && error.cause === undefined;
    });
  }
});

test("decoding cannot change the prototype of anything", () => {
  const value = decodeJson(`{"__proto__":{"admin":true}}`, "test") as Record<string, unknown>;
  assert.equal(value.admin, undefined);
  assert.equal(({} as Record<string, unknown>).admin, undefined);
});

function withoutMinusZero(value: unknown): unknown {
  if (Object.is(value, -0)) return 0;
  if (Array.isArray(value)) return value.map(withoutMinusZero);
  if (typeof value !== "object" || value === null) return value;
  const members = Object.entries(value).map(([key, member]) => [key, withoutMinusZero(member)]);
  return Object.fromEntries(members);
}

/** A value that holds `leaf` at a path of keys and indexes. */
function plant(path: readonly (string | number)[], leaf: unknown): unknown {
  return path.reduceRight((value, part) => {
    if (typeof part === "string") return { before: 1, [part]: value };
    return [...new Array(part).fill(0), value];
  }, leaf);
}

test("what takes more bytes than allowed is refused with the bytes that it takes", () => {
  for (const text of ["aaa", "é", "\u{1F3C1}", "中"]) {
    const bytes = new TextEncoder().encode(JSON.stringify(text)).length;
    assert.equal(encodeJsonWithin("value", text, bytes), JSON.stringify(text));
    assert.throws(() => encodeJsonWithin("value", text, bytes - 1), {
      name: "ValidationError",
      field: "value",
      reason: `it must take at most ${bytes - 1} bytes as JSON, got ${bytes}`,
    });
  }
});

test("decoded JSON is refused for what is refused when it is encoded", () => {
  const check = (text: string): void => checkDecodedJson("value", JSON.parse(text), text);
  check('{"a":[1,"\\u00e9",null]}');
  for (
    const text of [
      '"\\u0000"',
      '["\\ud800"]',
      '{"__proto__":1}',
      "1e400",
      "[".repeat(300) + "]".repeat(300),
    ]
  ) {
    assert.throws(() => check(text), ValidationError, text);
  }
});
