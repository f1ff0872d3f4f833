import assert from "node:assert/strict";
import { test } from "node:test";
import { parseCommandLine } from "../../../cli/command_line.ts";
import { DEAD_LETTERS } from "../../../cli/events/dead_letters.ts";
import { streamPlace, withStreams } from "../../../cli/events/stream_place.ts";
import { recordedIo } from "../../support/recorded_io.ts";

test("a channel and a group name a stream, neither the outbox, and one of them nothing", () => {
  const place = (...args: string[]) => streamPlace(parseCommandLine(args, DEAD_LETTERS));
  assert.deepEqual(place("--channel", "a", "--group", "b"), { channel: "a", group: "b" });
  assert.equal(place(), undefined);
  for (const half of [["--channel", "a"], ["--group", "b"]]) {
    assert.throws(() => place(...half), {
      message: /--channel and --group belong together/,
      exitCode: 2,
    });
  }
});

test("streams need REDIS_URL", async () => {
  const streams = withStreams(recordedIo(), () => Promise.resolve());
  await assert.rejects(streams, { message: /REDIS_URL is not set/, exitCode: 2 });
});
