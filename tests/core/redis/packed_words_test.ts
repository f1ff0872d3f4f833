import assert from "node:assert/strict";
import { test } from "node:test";
import { Buffer } from "node:buffer";
import { PackedScripts, textWords } from "../../../core/redis/packed_words.ts";
import { testNamespace, withRedis } from "../../support/redis.ts";
import { findService, serviceTest } from "../../support/services.ts";

const redisTest = serviceTest(await findService("redis"));

/** Every byte behind every other. */
const PAIRS = Uint8Array.from({ length: 2 * 65_536 }, (_, i) => i % 2 === 0 ? i >> 9 : i >> 1);

const TEXTS = ["", "plain", "grün", "\u0080\u00ff\u0100", "数据", "🙂", "\0"];

test("a command of text is sent as it is", () => {
  const args = ["SET", "k", "grün"];
  assert.deepEqual(textWords({ args, key: "k" }), args);
});

test("a command with bytes is a script whose key is that of the command", () => {
  const words = textWords({ args: ["SET", "ü", Uint8Array.of(0, 127, 128, 255)], key: "ü" });
  assert.deepEqual([words[0], ...words.slice(2)], ["EVAL", "1", "ü", "SET", "Ã¼", "\0\x7f\x80ÿ"]);
  const [, , keys] = textWords({ args: ["PUBLISH", "c", Uint8Array.of(1)] });
  assert.equal(keys, "0");
});

redisTest(
  "redis: bytes that were sent as text are on the server what they were",
  (url) =>
    withRedis(url, async (send) => {
      const key = `${testNamespace()}:ü`;
      await send(...textWords({ args: ["SET", key, PAIRS, "PX", "60000"], key }));
      // Not by deepEqual, which would take minutes to show what differs.
      assert.ok(Buffer.from(PAIRS).equals(await send("GET", key) as Buffer));
      assert.ok(Number(await send("PTTL", key)) > 0);
      await send("UNLINK", key);
    }, { bytes: true }),
);

redisTest(
  "redis: a script gets its arguments as they were given, bytes and text",
  (url) =>
    withRedis(url, async (send) => {
      const scripts = new PackedScripts({
        run: ({ text }, keys, args) => send("EVAL", text, String(keys.length), ...keys, ...args),
      });
      const script = { name: "echo", text: "return {KEYS[1], #ARGV, unpack(ARGV)}" };
      const args = [...TEXTS, PAIRS];
      const call = { operation: "test", timeoutMs: 1_000 };
      const [key, count, ...echoed] = await scripts.run(script, ["kü"], args, call) as unknown[];
      assert.deepEqual([String(key), count], ["kü", args.length]);
      for (const [i, arg] of args.entries()) {
        assert.ok(Buffer.from(arg as string).equals(echoed[i] as Buffer), `argument ${i}`);
      }
    }, { bytes: true }),
);

test("the text of a script stays the same, so that the server has it", async () => {
  const sent: unknown[] = [];
  const scripts = new PackedScripts({ run: (script) => Promise.resolve(sent.push(script)) });
  const script = { name: "one", text: "return 1", repeatable: true };
  const call = { operation: "test", timeoutMs: 1_000 };
  for (let i = 0; i < 2; i++) await scripts.run(script, [], [], call);
  assert.equal(sent[0], sent[1]);
  assert.equal((sent[0] as typeof script).repeatable, true);
});
