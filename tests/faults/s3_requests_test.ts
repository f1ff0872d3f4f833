import assert from "node:assert/strict";
import { type ErrorCode, InfrastructureError } from "../../core/errors.ts";
import { S3StorageProvider } from "../../storage/adapters/s3.ts";
import { answer, type Fault, resetPeer, timeout } from "../support/http_faults.ts";
import { test } from "../support/permitted.ts";
import { withProxiedS3 } from "../support/proxied_s3.ts";
import { findService, serviceTest } from "../support/services.ts";

const testS3 = serviceTest(await findService("s3"));

const SLOW_DOWN = "<Error><Code>SlowDown</Code><Message>s3cr3t</Message></Error>";
const HTML = "<html><body>Bad Gateway</body></html>";

const FAULTS: Readonly<Record<string, [Fault, ErrorCode]>> = {
  "503 SlowDown": [answer(503, SLOW_DOWN), "overloaded"],
  "429": [answer(429, "", { "retry-after": "0" }), "overloaded"],
  "500": [answer(500, "<Error><Code>InternalError</Code></Error>"), "unavailable"],
  "502 with HTML": [answer(502, HTML), "unavailable"],
  "504 without a body": [answer(504), "unavailable"],
  "reset before the answer": [resetPeer(), "unavailable"],
};

for (const [name, [fault, code]] of Object.entries(FAULTS)) {
  testS3(`${name}: three attempts, and the third one counts`, async (url) => {
    await withProxiedS3(url, async ({ storage, proxy, bucket, count }) => {
      proxy.on(/^PUT .*\/a$/, fault, { times: 2 });
      await storage.upload(bucket, "a", "text");
      assert.equal(count(/^PUT .*\/a$/), 3);
      for (const [match, call] of callsOn(storage, bucket)) {
        proxy.requests.length = 0;
        proxy.on(match, fault, { times: 2 });
        await call();
        assert.equal(count(match), 3, String(match));
      }
    });
  });

  testS3(`${name}: after three attempts an error says what happened`, async (url) => {
    await withProxiedS3(url, async ({ storage, direct, proxy, bucket, count }) => {
      await direct.upload(bucket, "a", "text");
      proxy.on(/./, fault);
      for (const [match, call] of callsOn(storage, bucket)) {
        proxy.requests.length = 0;
        await rejects(call(), { code, retryable: true, outcome: "not-applied" });
        assert.equal(count(match), 3, String(match));
      }
      const upload = storage.upload(bucket, "b", "text");
      const outcome = name === "429" ? "not-applied" : "unknown";
      await rejects(upload, { code, retryable: true, outcome });
    });
  });
}

testS3(
  "a server that is down and comes back is used again, on all kinds of requests",
  async (url) => {
    await withProxiedS3(url, async ({ storage, proxy, bucket }) => {
      await storage.upload(bucket, "a", "text");
      await proxy.down();
      for (const [, call] of callsOn(storage, bucket)) {
        await rejects(call(), { code: "unavailable", retryable: true, outcome: "not-applied" });
      }
      await rejects(storage.health(), { code: "unavailable" });
      await proxy.up();
      for (const [, call] of callsOn(storage, bucket)) await call();
      await storage.health();
    });
  },
);

test("a host without a name is unavailable, and the error shows no URL", async () => {
  const storage = new S3StorageProvider({
    endpoint: "http://s3.invalid:9000",
    credentials: { accessKeyId: "key", secretAccessKey: "s3cr3t" },
  });
  for (const [, call] of callsOn(storage, "bucket")) {
    await rejects(call(), { code: "unavailable", retryable: true });
  }
  await storage.close();
});

testS3(
  "a server that accepts and never answers is given up in time, on every attempt",
  async (url) => {
    await withProxiedS3(url, async ({ storage, proxy, bucket, count }) => {
      await storage.upload(bucket, "a", "text");
      proxy.on(/./, timeout());
      for (const [match, call] of callsOn(storage, bucket)) {
        proxy.requests.length = 0;
        await rejects(call(), { code: "unavailable", retryable: true, outcome: "not-applied" });
        assert.equal(count(match), 3, String(match));
      }
      const upload = storage.upload(bucket, "b", "text");
      await rejects(upload, { code: "unavailable", outcome: "unknown" });
      proxy.heal();
      await storage.upload(bucket, "b", "text");
    }, { responseTimeoutMs: 100 });
  },
);

testS3("the deadline of a call ends its attempts, and so does its signal", async (url) => {
  await withProxiedS3(url, async ({ storage, proxy, bucket }) => {
    await storage.upload(bucket, "a", "text");
    proxy.on(/./, timeout());
    for (const [, call] of callsOn(storage, bucket, { timeoutMs: 50 })) {
      await rejects(call(), { code: "timeout", outcome: "not-applied" });
    }
    proxy.heal();
    const aborter = new AbortController();
    const gate = proxy.hold(/./);
    const calls = callsOn(storage, bucket, { signal: aborter.signal }).map(([, call]) => call());
    const settled = Promise.allSettled(calls);
    await gate.arrived;
    aborter.abort();
    for (const result of await settled) {
      assert.equal(result.status === "rejected" && result.reason.code, "aborted");
    }
  });
});

testS3(
  "an object that is replaced just before it is copied is copied as it is then",
  async (url) => {
    await withProxiedS3(url, async ({ storage, direct, proxy, bucket, count }) => {
      await direct.upload(bucket, "a", "old");
      const gate = proxy.hold(/^PUT .*\/b/);
      const copy = storage.copy(bucket, "a", bucket, "b");
      await gate.arrived;
      await direct.upload(bucket, "a", "replaced", { metadata: { a: "1" } });
      gate.release();
      const { etag, size } = await copy;
      const found = await direct.getMetadata(bucket, "b");
      assert.deepEqual([etag, size, found.metadata], [found.etag, "replaced".length, { a: "1" }]);
      assert.equal(new TextDecoder().decode(await direct.download(bucket, "b")), "replaced");
      assert.equal(count(/^PUT .*\/b/), 2);
    });
  },
);

testS3("a redirect is an error, and takes the credentials nowhere", async (url) => {
  await withProxiedS3(url, async ({ storage, proxy, bucket }) => {
    await withProxiedS3(url, async ({ proxy: elsewhere }) => {
      for (const status of [301, 302, 307, 308]) {
        proxy.heal();
        const headers = {
          location: `${elsewhere.url}/${bucket}/a`,
          "x-amz-bucket-region": "eu-west-1",
        };
        proxy.on(/./, answer(status, "", headers));
        for (const [, call] of callsOn(storage, bucket)) {
          await rejects(call(), { code: "configuration_invalid", retryable: false });
        }
        await rejects(storage.upload(bucket, "a", "x"), { outcome: "not-applied" });
      }
      assert.deepEqual(elsewhere.requests, []);
    });
  });
});

testS3("what is refused is sent once", async (url) => {
  await withProxiedS3(url, async ({ storage, proxy, bucket, count }) => {
    const refusals: [number, string, ErrorCode][] = [
      [403, "AccessDenied", "permission_denied"],
      [403, "InvalidAccessKeyId", "unauthenticated"],
      [400, "EntityTooLarge", "resource_exhausted"],
      [501, "NotImplemented", "unsupported"],
      [507, "InsufficientCapacity", "resource_exhausted"],
    ];
    for (const [status, name, code] of refusals) {
      proxy.heal();
      proxy.requests.length = 0;
      proxy.on(/^PUT/, answer(status, `<Error><Code>${name}</Code></Error>`));
      const upload = storage.upload(bucket, "a", "x");
      await rejects(upload, { code, retryable: false, outcome: "not-applied" });
      assert.equal(count(/^PUT/), 1, name);
    }
  });
});

/** A call for each way in which requests are sent, and its request. */
function callsOn(
  storage: S3StorageProvider,
  bucket: string,
  options = {},
): [RegExp, () => Promise<unknown>][] {
  return [
    [/^GET .*\/a$/, () => storage.download(bucket, "a", options)],
    [/^HEAD .*\/a$/, () => storage.getMetadata(bucket, "a", options)],
    [/^GET .*list-type/, () => storage.listObjects(bucket, options)],
  ];
}

async function rejects(call: Promise<unknown>, expected: Partial<InfrastructureError>) {
  await assert.rejects(call, (error) => {
    assert.ok(error instanceof InfrastructureError, String(error));
    for (const [name, value] of Object.entries(expected)) {
      assert.equal(error[name as keyof InfrastructureError], value, `${name} of ${error}`);
    }
    assert.doesNotMatch(String(error.stack), /s3cr3t|http:\/\//);
    assert.equal(error.cause, undefined);
    return true;
  });
}
