import assert from "node:assert/strict";
import { deliveryContext, messageOf } from "../../support/deliveries.ts";
import { type Middleware, withMiddleware } from "../../../messaging/middleware/middleware.ts";
import { test } from "node:test";

test("the first middleware is the outermost", async () => {
  const steps: string[] = [];
  const note = (name: string): Middleware => (next) => async (message, context) => {
    steps.push(`${name} begins`);
    await next(message, context);
    steps.push(`${name} ends`);
  };
  const handler = withMiddleware(() => steps.push("handler"), note("one"), note("two"));
  await handler(messageOf(1), deliveryContext());
  assert.deepEqual(steps, ["one begins", "two begins", "handler", "two ends", "one ends"]);
});

test("a handler without middleware is itself", () => {
  const handler = (): void => {};
  assert.equal(withMiddleware(handler), handler);
});
