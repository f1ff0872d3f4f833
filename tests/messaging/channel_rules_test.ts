import assert from "node:assert/strict";
import {
  checkChannel,
  checkChannels,
  checkPattern,
  checkSegment,
  patternMatcher,
} from "../../messaging/channel_rules.ts";
import fc from "fast-check";
import { test } from "node:test";
import { ValidationError } from "../../core/errors.ts";

const refused = (field: string, text: RegExp) => (error: unknown): boolean =>
  error instanceof ValidationError && error.field === field && text.test(error.message);

test("a channel is segments joined by a colon", () => {
  for (const channel of ["a", "events:benchmark", "events:benchmark:0199-A.b_c", "x".repeat(200)]) {
    assert.equal(checkChannel("channel", channel), channel);
  }
});

test("what is wrong with a channel is said without repeating it", () => {
  assert.throws(
    () => checkChannel("channel", "a b"),
    refused("channel", /got U\+0020 at position 2/),
  );
  assert.throws(() => checkChannel("channel", "a\u001b"), refused("channel", /got U\+001B at/));
  assert.throws(
    () => checkChannel("channel", "a:🏁"),
    refused("channel", /got U\+1F3C1 at position 3/),
  );
  assert.throws(() => checkChannel("channel", "a::b"), refused("channel", /got "a::b"/));
  assert.throws(() => checkChannel("channel", "x".repeat(201)), refused("channel", /1 to 200/));
});

test("a segment has no separator and at most 100 characters", () => {
  assert.equal(checkSegment("benchmarkId", "x".repeat(100)), "x".repeat(100));
  for (const id of ["", "a:b", "*", "a b", "x".repeat(101)]) {
    assert.throws(() => checkSegment("benchmarkId", id), refused("benchmarkId", /./));
  }
});

test("a list of channels comes back without repetitions", () => {
  assert.deepEqual(checkChannels("channels", ["b", "a", "b"]), ["b", "a"]);
  assert.throws(() => checkChannels("channels", ["a", "b c"]), refused("channels[1]", /U\+0020/));
});

test("whatever passes as a channel has no character that a broker takes for something else", () => {
  const unit = fc.oneof(
    { weight: 9, arbitrary: fc.constantFrom(..."aZ9._-:") },
    { weight: 1, arbitrary: fc.constantFrom(..."*?[]{}\\^>#$!/ \t\n\0\u001b\u202eé🏁", "\ud800") },
  );
  let passed = 0;
  fc.assert(
    fc.property(fc.string({ unit, minLength: 1, maxLength: 12 }), (text) => {
      try {
        checkChannel("channel", text);
      } catch (error) {
        assert.ok(error instanceof ValidationError);
        assert.match(error.message, /^[\x20-\x7e]*$/);
        return;
      }
      passed++;
      assert.match(text, /^[\w.:-]+$/);
      assert.ok(!text.split(":").includes(""));
    }),
    { numRuns: 2_000 },
  );
  assert.ok(passed > 200, `only ${passed} of the texts were channels`);
});

test("a pattern matches what the same regular expression matches", () => {
  const text = fc.string({ unit: fc.constantFrom("a", "b", ":"), maxLength: 10 });
  const pattern = fc.string({ unit: fc.constantFrom("a", "b", ":", "*"), maxLength: 8 });
  fc.assert(
    fc.property(pattern, text, (pattern, channel) => {
      const expected = new RegExp(`^${pattern.replaceAll("*", ".*")}$`).test(channel);
      assert.equal(patternMatcher(pattern)(channel), expected);
    }),
    { numRuns: 5_000 },
  );
});

test("a pattern made to be slow is not", () => {
  const pattern = checkPattern("pattern", `${"a*".repeat(99)}b`);
  const channel = "a".repeat(1_000_000);
  const startMs = performance.now();
  assert.equal(patternMatcher(pattern)(`${channel}c`), false);
  assert.equal(patternMatcher(pattern)(`${channel}b`), true);
  assert.ok(performance.now() - startMs < 1_000);
});
