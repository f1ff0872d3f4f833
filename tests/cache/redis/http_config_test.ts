import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import { checkHttpConfig } from "../../../cache/adapters/redis/http_config.ts";
import {
  type HttpRedisCacheConfig,
  HttpRedisCacheProvider,
} from "../../../cache/adapters/redis_http.ts";

const TOKEN = "s3cr3t-t0ken";
const URL = "https://cache.example";

test("without options it fails open, and has deadlines for a new connection with TLS", () => {
  const settings = checkHttpConfig({ url: URL, token: TOKEN });
  assert.equal(settings.keyOf("value", "k"), "exchange:k");
  assert.equal(settings.failsOpen, true);
  assert.deepEqual([settings.readTimeoutMs, settings.timeoutMs], [1_000, 5_000]);
});

const URLS: Readonly<Record<string, string>> = {
  "https://cache.example": "https://cache.example",
  "https://cache.example/": "https://cache.example",
  "https://cache.example:8443/redis/": "https://cache.example:8443/redis",
  "http://127.0.0.1:8079": "http://127.0.0.1:8079",
  "http://localhost:8079": "http://localhost:8079",
  "http://[::1]:8079": "http://[::1]:8079",
};

for (const [url, sentTo] of Object.entries(URLS)) {
  test(`${url} is sent to ${sentTo}`, () => {
    assert.equal(checkHttpConfig({ url, token: TOKEN }).address.url, sentTo);
  });
}

test("plain HTTP to another machine has to be allowed", () => {
  const config = { url: "http://bridge:8079", token: TOKEN };
  const message = /url must start with https:\/\/, because the token/;
  assert.throws(() => checkHttpConfig(config), { code: "configuration_invalid", message });
  assert.equal(checkHttpConfig({ ...config, allowHttp: true }).address.url, "http://bridge:8079");
});

const UNUSABLE: [config: unknown, problem: RegExp][] = [
  [undefined, /it must be an object with url and token, got undefined/],
  [{ token: TOKEN }, /url must be one, https:\/\/host/],
  [{ url: "cache.example", token: TOKEN }, /url must be one/],
  [{ url: "http://127.0.0.1.evil.example", token: TOKEN }, /url must start with https/],
  [{ url: "redis://127.0.0.1", token: TOKEN, allowHttp: true }, /url must start with https/],
  [{ url: `https://user:${TOKEN}@h`, token: TOKEN }, /neither user nor password, parameters/],
  [{ url: `${URL}?_token=${TOKEN}`, token: TOKEN }, /parameters or fragment/],
  [{ url: `${URL}#${TOKEN}`, token: TOKEN }, /parameters or fragment/],
  [{ url: URL }, /token must be printable ASCII without spaces/],
  [{ url: URL, token: "" }, /token must be printable/],
  [{ url: URL, token: `${TOKEN}\n` }, /token must be printable/],
  [{ url: URL, token: `${TOKEN}ü` }, /token must be printable/],
  [{ url: URL, token: TOKEN, fetch: 5 }, /fetch must be a function, got number/],
  [{ url: "x", token: "" }, /url must be one, https:\/\/host; token must be/],
];

for (const [config, message] of UNUSABLE) {
  test(`${message.source} is a problem of the configuration, and shows no token`, () => {
    assert.throws(() => new HttpRedisCacheProvider(config as HttpRedisCacheConfig), (error) => {
      assert.equal((error as { code: string }).code, "configuration_invalid");
      assert.match((error as Error).message, message);
      assert.ok(!inspect(error, { depth: 9 }).includes(TOKEN));
      return true;
    });
  });
}

test("a bad option is refused by its name", () => {
  for (const field of ["readTimeoutMs", "timeoutMs", "leaseMs", "namespace"]) {
    const config = { url: URL, token: TOKEN, [field]: -1 };
    assert.throws(() => checkHttpConfig(config), { code: "invalid_input", field });
  }
});

test("a provider shows neither its token nor its URL", async () => {
  const cache = new HttpRedisCacheProvider({ url: URL, token: TOKEN });
  const shown = inspect(cache, { depth: 9, showHidden: true }) + JSON.stringify(cache);
  assert.ok(!shown.includes(TOKEN) && !shown.includes("cache.example"), shown);
  await cache.close();
});
