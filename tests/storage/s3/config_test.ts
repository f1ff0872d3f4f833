import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import { systemClock } from "../../../core/clock.ts";
import { ValidationError } from "../../../core/errors.ts";
import {
  checkConfig,
  type S3Settings,
  type S3StorageConfig,
} from "../../../storage/adapters/s3/config.ts";
import { FetchClient } from "../../../storage/adapters/s3/fetch_client.ts";
import { ManualClock } from "../../conformance/manual_clock.ts";

const credentials = { accessKeyId: "key", secretAccessKey: "secret" };
const endpoint = "http://127.0.0.1:8333";

/** What can be compared of the settings. */
function shown(settings: S3Settings): Record<string, unknown> {
  const { credentials: _, client: __, endpoint, publicEndpoint, ...rest } = settings;
  return { ...rest, endpoint: endpoint.href, publicEndpoint: publicEndpoint.href };
}

const EVERYWHERE = {
  partBytes: 8_388_608,
  partConcurrency: 4,
  maxAttempts: 3,
  responseTimeoutMs: 30_000,
  idleTimeoutMs: 30_000,
  clock: systemClock,
};

test("without an endpoint, all is as on Amazon S3", () => {
  const everything = { createOnly: true, ifMatch: true, presignedUrls: true, presignedPosts: true };
  const onAmazon = {
    ...EVERYWHERE,
    region: "us-east-1",
    bucketRegion: undefined,
    endpoint: "https://s3.us-east-1.amazonaws.com/",
    publicEndpoint: "https://s3.us-east-1.amazonaws.com/",
    addressing: "virtual-host",
    storeChecksums: true,
    capabilities: everything,
  };
  assert.deepEqual(shown(checkConfig({ credentials })), onAmazon);
  const elsewhere = checkConfig({ credentials, region: "eu-west-3" });
  assert.equal(elsewhere.endpoint.href, "https://s3.eu-west-3.amazonaws.com/");
  assert.equal(elsewhere.bucketRegion, "eu-west-3");
  const { capabilities } = checkConfig({ credentials, capabilities: { ifMatch: false } });
  assert.deepEqual(capabilities, { ...everything, ifMatch: false });
});

test("with an endpoint, nothing is taken for granted", () => {
  assert.deepEqual(shown(checkConfig({ credentials, endpoint })), {
    ...EVERYWHERE,
    region: "us-east-1",
    bucketRegion: undefined,
    endpoint: `${endpoint}/`,
    publicEndpoint: `${endpoint}/`,
    addressing: "path",
    storeChecksums: false,
    capabilities: {},
  });
});

test("what is given is kept, up to the limits", async () => {
  const given = {
    region: "auto",
    endpoint,
    publicEndpoint: "https://files.example.org",
    addressing: "virtual-host",
    storeChecksums: true,
    partBytes: 5_242_880,
    partConcurrency: 100,
    maxAttempts: 10,
    responseTimeoutMs: 1,
    idleTimeoutMs: 0.5,
    capabilities: { createOnly: true },
    clock: new ManualClock(),
  } as const;
  const urls = { endpoint: `${endpoint}/`, publicEndpoint: "https://files.example.org/" };
  const settings = checkConfig({ ...given, credentials });
  assert.deepEqual(shown(settings), { ...given, ...urls, bucketRegion: undefined });
  assert.deepEqual(await settings.credentials(), credentials);
  assert.equal(checkConfig({ credentials, partBytes: 5_368_709_120 }).partBytes, 5_368_709_120);
  const least = checkConfig({ credentials, partConcurrency: 1, maxAttempts: 1 });
  assert.deepEqual([least.partConcurrency, least.maxAttempts], [1, 1]);
});

test("credentials are asked for by the clock of the configuration", async () => {
  const clock = new ManualClock(0);
  let asked = 0;
  const ask = (): typeof credentials & { expiration: Date } => {
    asked++;
    return { ...credentials, expiration: new Date(120_000) };
  };
  const settings = checkConfig({ credentials: ask, clock });
  for (const elapsedMs of [0, 59_999, 1]) {
    clock.advance(elapsedMs);
    await settings.credentials();
  }
  assert.equal(asked, 2);
});

test("a given fetch is used, as it is", async () => {
  const urls: unknown[] = [];
  const fetch: typeof globalThis.fetch = (url) => {
    urls.push(url);
    return Promise.resolve(new Response());
  };
  const client = await checkConfig({ credentials, fetch }).client();
  await client.send({ method: "GET", url: "http://host/", headers: {} }, AbortSignal.abort());
  assert.ok(client instanceof FetchClient);
  assert.deepEqual(urls, ["http://host/"]);
});

test("an endpoint ends after its port, however empty what follows is", () => {
  for (const tail of ["", "/", "?", "#", "/?#"]) {
    const settings = checkConfig({ credentials, endpoint: endpoint + tail });
    assert.equal(settings.endpoint.href, `${endpoint}/`);
  }
});

const CANARY = "c4n4ry";

const BAD_ENDPOINTS: readonly unknown[] = [
  "",
  5,
  null,
  CANARY,
  `${CANARY}:8333`,
  `ftp://${CANARY}`,
  "file:///tmp",
  "http://",
  `http://${CANARY}:99999`,
  `http://key:${CANARY}@host`,
  `http://${CANARY}@host`,
  `http://:${CANARY}@host`,
  `http://host/${CANARY}`,
  `http://host/?${CANARY}`,
  `http://host/#${CANARY}`,
  `http://host/${"x".repeat(2_000)}`,
];

test("a bad endpoint is refused and never shown", () => {
  for (const field of ["endpoint", "publicEndpoint"]) {
    for (const value of BAD_ENDPOINTS) {
      // An endpoint that is null was not given.
      if (field === "endpoint" && value === null) continue;
      const config = { credentials, [field]: value } as S3StorageConfig;
      assert.throws(() => checkConfig(config), (error) => {
        assert.ok(error instanceof ValidationError);
        assert.equal(error.field, field);
        assert.ok(!inspect(error).includes(CANARY), `${value}`);
        return true;
      }, `${value}`);
    }
  }
});

const BAD_VALUES: Readonly<Record<string, readonly unknown[]>> = {
  credentials: [undefined, null, "key:secret"],
  region: ["", "us east", "US-EAST-1", "a/b", "a.b", "x".repeat(64), 5],
  addressing: ["", "host", 1, true],
  partBytes: [5_242_879, 5_368_709_121, 6_000_000.5, "8388608", NaN, Infinity, -1],
  partConcurrency: [0, 101, 1.5, "4", NaN],
  maxAttempts: [0, 11, 1.5, "3", Infinity],
  responseTimeoutMs: [0, -1, NaN, Infinity, "30000"],
  idleTimeoutMs: [0, -1, NaN, Infinity, "30000"],
  fetch: ["fetch", {}, 1],
};

test("a bad value is refused and its field named", () => {
  for (const [field, values] of Object.entries(BAD_VALUES)) {
    for (const value of values) {
      const config = { credentials, endpoint, [field]: value } as S3StorageConfig;
      assert.throws(() => checkConfig(config), { name: "ValidationError", field }, `${value}`);
    }
  }
  for (const config of [undefined, null, "http://host", 1]) {
    const refused = { name: "ValidationError", field: "config" };
    assert.throws(() => checkConfig(config as unknown as S3StorageConfig), refused);
  }
});
