import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { inspect } from "node:util";
import { parseAmqpUrl } from "../../../messaging/adapters/rabbitmq/amqp_url.ts";
import { ConfigurationError } from "../../../core/errors.ts";

describe("parseAmqpUrl", () => {
  test("reads every part, percent-encoded or not", () => {
    assert.deepEqual(parseAmqpUrl("amqps://us%40er:p%2Fw%23@mq.example.org:7000/a%2Fb"), {
      host: "mq.example.org",
      port: 7000,
      username: "us@er",
      password: "p/w#",
      virtualHost: "a/b",
      tls: true,
    });
  });

  test("has the defaults of a server for what is left out", () => {
    const local = { username: "guest", password: "guest", virtualHost: "/" };
    assert.deepEqual(parseAmqpUrl("amqp://127.0.0.1"), {
      host: "127.0.0.1",
      port: 5672,
      tls: false,
      ...local,
    });
    assert.equal(parseAmqpUrl("amqps://[::1]/").port, 5671);
    assert.equal(parseAmqpUrl("amqps://[::1]/").host, "::1");
    assert.equal(parseAmqpUrl("amqp://someone@host").password, "");
  });

  for (
    const [url, problem] of [
      ["no url s3cr3t", /is not a URL such as amqp:/],
      ["http://u:s3cr3t@host", /must start with amqp:\/\/ or amqps:\/\//],
      ["amqp://u:s3cr3t@", /is not a URL|must name one host/],
      ["amqp://u:s3cr3t@a,b", /must name one host/],
      ["amqp://u:s3cr3t@host:0", /must have a port from 1 to 65535/],
      ["amqp://u:s3cr3t@host/a/b", /percent-encoded/],
      ["amqp://u:s3cr3t%zz@host", /percent-encoded/],
      ["amqp://u:s3cr3t@host/%ff", /percent-encoded/],
      ["amqp://u:s3cr3t@host?heartbeat=0", /must have no parameters/],
      ["amqp://u:pa#s3cr3t@host", /is not a URL|percent-encoded/],
    ] as const
  ) {
    test(`refuses ${url.replace(/s3cr3t/, "…")} without showing it`, () => {
      assert.throws(() => parseAmqpUrl(url, "url"), (error) => {
        assert.ok(error instanceof ConfigurationError);
        assert.match(error.message, /^Cannot configure: url /);
        assert.match(error.message, problem);
        assert.ok(!inspect(error).includes("s3cr3t"));
        return true;
      });
    });
  }
});
