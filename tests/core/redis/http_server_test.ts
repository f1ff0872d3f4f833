import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import { HttpFailure } from "../../../core/redis/http_failure.ts";
import { RedisHttpServer } from "../../../core/redis/http_server.ts";
import { FetchServer } from "../../support/fetch_server.ts";
import { resetPeer } from "../../support/http_faults.ts";
import { HttpProxy } from "../../support/http_proxy.ts";
import { until } from "../../support/until.ts";

const live = new AbortController().signal;

/** Registers a test with a server that answers as `answer` does, and what came to it. */
function answeredTest(
  name: string,
  answer: (request: Request) => Response,
  fn: (server: RedisHttpServer, seen: Request[]) => Promise<void>,
): void {
  test(name, async () => {
    const seen: Request[] = [];
    const listener = await FetchServer.start((request) => {
      seen.push(request);
      return Promise.resolve(answer(request));
    });
    const url = `${listener.url}redis`;
    try {
      await fn(new RedisHttpServer({ url, token: "t0ken", fetch: globalThis.fetch }), seen);
    } finally {
      await listener[Symbol.asyncDispose]();
    }
  });
}

function json(answer: unknown, init?: ResponseInit): Response {
  return new Response(JSON.stringify(answer), init);
}

const base64 = (text: string): string => Buffer.from(text).toString("base64");

answeredTest(
  "one command is posted to the URL, several go to its pipeline, with the token",
  (request) =>
    json(request.url.endsWith("/pipeline") ? [{ result: 1 }, { result: 2 }] : { result: 0 }),
  async (server, seen) => {
    assert.deepEqual(await server.send([["PING"]], live), [{ result: 0 }]);
    assert.deepEqual(await server.send([["A"], ["B"]], live), [{ result: 1 }, { result: 2 }]);
    assert.deepEqual(seen.map(({ url }) => new URL(url).pathname), ["/redis", "/redis/pipeline"]);
    for (const { method, headers } of seen) {
      assert.deepEqual(
        [method, headers.get("authorization"), headers.get("upstash-encoding")],
        ["POST", "Bearer t0ken", "base64"],
      );
    }
  },
);

answeredTest(
  "texts of a reply are bytes, also in lists; numbers and null are what they are",
  () => json({ result: ["OK", base64("grün"), 7, null, [base64("\0\xff"), []], ""] }),
  async (server) => {
    const [reply] = await server.send([["X"]], live);
    const texts = ["OK", "grün", "\0\xff", ""].map((text) => Buffer.from(text));
    const [ok, green, bytes, empty] = texts;
    assert.deepEqual(reply, { result: [ok, green, 7, null, [bytes, []], empty] });
  },
);

answeredTest(
  "an error is the reply to its command, or to a whole pipeline",
  ({ url }) =>
    url.endsWith("/pipeline")
      ? json({ error: "ERR all" })
      : json({ error: "ERR one" }, { status: 400 }),
  async (server) => {
    const [reply] = await server.send([["X"]], live);
    assert.match(String((reply as { error: unknown }).error), /ERR one/);
    await assert.rejects(server.send([["A"], ["B"]], live), /ERR all/);
  },
);

const MALFORMED: Readonly<Record<string, [body: string, why: RegExp]>> = {
  "HTML": ["<html>captive portal</html>", /is not JSON/],
  "nothing": ["", /is not JSON/],
  "half of an answer": ['{"result":', /is not JSON/],
  "a number": ["5", /is no reply/],
  "null": ["null", /is no reply/],
  "an object without a result": ["{}", /is no reply/],
  "a list for one command": ['[{"result":1}]', /is no reply/],
  "an error that is no text": ['{"error":5}', /is no reply/],
};

for (const [what, [body, why]] of Object.entries(MALFORMED)) {
  answeredTest(`${what} is no answer`, () => new Response(body), async (server) => {
    await assert.rejects(server.send([["X"]], live), (error) => {
      assert.ok(error instanceof HttpFailure);
      assert.match(error.message, why);
      return true;
    });
  });
}

answeredTest(
  "a pipeline that has another number of answers is none",
  () => json([{ result: 1 }]),
  async (server) => {
    await assert.rejects(server.send([["A"], ["B"]], live), /the answer does not have 2 replies/);
  },
);

answeredTest(
  "a redirect is not followed, and the token goes nowhere else",
  () => json({ result: 1 }, { status: 307, headers: { location: "/elsewhere" } }),
  async (server, seen) => {
    await assert.rejects(server.send([["X"]], live), /status 307/);
    assert.equal(seen.length, 1);
  },
);

answeredTest(
  "what a server says to find its writes again goes back with the next request",
  ({ headers }) =>
    json({ result: 1 }, {
      headers: { "upstash-sync-token": `${headers.get("upstash-sync-token")}+` },
    }),
  async (server, seen) => {
    for (let i = 0; i < 3; i++) await server.send([["X"]], live);
    const tokens = seen.map(({ headers }) => headers.get("upstash-sync-token"));
    assert.deepEqual(tokens, [null, "null+", "null++"]);
  },
);

test("a request whose connection breaks is not sent again, not even by the runtime", async () => {
  const listener = await FetchServer.start(() => Promise.resolve(json({ result: 1 })));
  const proxy = await HttpProxy.start(listener.url);
  try {
    const server = new RedisHttpServer({ url: proxy.url, token: "t", fetch: globalThis.fetch });
    await until("a connection is used again", async () => {
      await server.send([["INCR", "k"]], live);
      return proxy.requests.at(-1)?.connection === proxy.requests.at(-2)?.connection;
    });
    proxy.on(/POST/, resetPeer());
    const before = proxy.requests.length;
    await assert.rejects(server.send([["INCR", "k"]], live));
    assert.equal(proxy.requests.length, before + 1);
  } finally {
    await proxy[Symbol.asyncDispose]();
    await listener[Symbol.asyncDispose]();
  }
});
