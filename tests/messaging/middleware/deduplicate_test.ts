import assert from "node:assert/strict";
import { deduplicate } from "../../../messaging/middleware/deduplicate.ts";
import { deliveryContext, messageOf } from "../../support/deliveries.ts";
import { test } from "node:test";

test("an event that was handled is left out, also when it comes from somewhere else", async () => {
  const handled: string[] = [];
  const handle = deduplicate(new Set<string>())((message) => handled.push(message.payload));
  const context = deliveryContext();
  await handle(messageOf("one", { id: "1" }), context);
  await handle(messageOf("one again", { id: "1" }), context);
  await handle(messageOf("two", { id: "2" }), context);
  await handle(messageOf("another one", { id: "1", source: "/other" }), context);
  assert.deepEqual(handled, ['"one"', '"two"', '"another one"']);
});

test("an event whose handler failed is not left out", async () => {
  let calls = 0;
  const handle = deduplicate(new Set<string>())(() => {
    if (++calls === 1) throw new Error("it failed");
  });
  const message = messageOf(1);
  await assert.rejects(async () => await handle(message, deliveryContext()), /it failed/);
  await handle(message, deliveryContext());
  await handle(message, deliveryContext());
  assert.equal(calls, 2);
});

test("a source and an id cannot be read as others", async () => {
  const keys: string[] = [];
  const seen = { has: () => false, add: (key: string) => keys.push(key) };
  const handle = deduplicate(seen)(() => {});
  await handle(messageOf(1, { source: "/a b", id: "c" }), deliveryContext());
  await handle(messageOf(1, { source: "/a", id: "b c" }), deliveryContext());
  assert.deepEqual(keys, ["/a%20b c", "/a b c"]);
});
