import assert from "node:assert/strict";
import { test } from "node:test";
import { deliveryInfo } from "../../../messaging/adapters/nats/delivery.ts";

const EXPECTED = {
  stream: "s=channel=a",
  consumer: "g+1",
  attempt: 2,
  sequence: 30,
  delivery: 41,
  pending: 5,
};

test("the subject for an acknowledgement tells about the delivery", () => {
  assert.deepEqual(deliveryInfo("$JS.ACK.s=channel=a.g+1.2.30.41.1795744620976500434.5"), EXPECTED);
});

test("the newer form, with domain and account, tells the same", () => {
  const reply = "$JS.ACK._.hash.s=channel=a.g+1.2.30.41.1795744620976500434.5.random";
  assert.deepEqual(deliveryInfo(reply), EXPECTED);
});
