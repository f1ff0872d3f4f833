import assert from "node:assert/strict";
import { deliveryContext, messageOf } from "../../support/deliveries.ts";
import { SerializationError } from "../../../core/errors.ts";
import { test } from "node:test";
import { type UserEvent, userEventSchema } from "../../../domain/events.ts";
import { validated } from "../../../messaging/middleware/validated.ts";

test("a handler gets the payload as the schema makes it, its message and its context", () => {
  const seen: unknown[] = [];
  const handle = validated(userEventSchema, (event: UserEvent, message, context) => {
    seen.push(event, message.id, context.signal.aborted);
    return "done";
  });
  const event: UserEvent = { type: "Created", userId: "7", username: "ada", role: "registered" };
  const message = messageOf({ ...event, later: true }, { id: "1" });
  assert.equal(handle(message, deliveryContext()), "done");
  assert.deepEqual(seen, [event, "1", false]);
});

test("a payload that does not fit reaches no handler", () => {
  const handle = validated(userEventSchema, () => assert.fail());
  const message = messageOf({ type: "Created", userId: 7 });
  assert.throws(() => handle(message, deliveryContext()), (error) => {
    assert.ok(error instanceof SerializationError);
    assert.match(error.message, /payload\.userId: it must be a string, got number/);
    return true;
  });
});
