import assert from "node:assert/strict";
import { EventChannel } from "../../messaging/event_channel.ts";
import { test } from "node:test";
import { ValidationError } from "../../core/errors.ts";

test("the channels have the strings of the original", () => {
  assert.deepEqual({ ...EventChannel }, {
    BENCHMARK: "events:benchmark",
    SUBMISSION: "events:submission",
    VERIFICATION: "events:verification",
    LEADERBOARD: "events:leaderboard",
    USER: "events:user",
    ORGANIZATION: "events:organization",
    GOVERNANCE: "events:governance",
    SYSTEM: "events:system",
  });
  assert.equal(EventChannel.benchmarkSpecific("123"), "events:benchmark:123");
  assert.equal(EventChannel.submissionSpecific("456"), "events:submission:456");
});

test("an id that would break out of its channel is refused", () => {
  for (const id of ["", "1:2", "*", "1*", "?", "[1]", "1 2", "1\n", "\0", ">", "#", "größe", 7]) {
    for (const build of [EventChannel.benchmarkSpecific, EventChannel.submissionSpecific]) {
      assert.throws(() => build(id as string), (error: unknown) => {
        assert.ok(error instanceof ValidationError);
        assert.match(error.field, /^(benchmark|submission)Id$/);
        return true;
      });
    }
  }
});
