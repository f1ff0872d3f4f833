import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { checkObjectKey } from "../../../storage/object_key.ts";
import { encodeKey, encodeQuery, ObjectUrls } from "../../../storage/adapters/s3/object_urls.ts";
import { ODD_KEYS } from "../../conformance/storage/keys.ts";

const ENDPOINT = new URL("http://s3.example.org:8333");
const byPath = new ObjectUrls(ENDPOINT, "path");
const byHost = new ObjectUrls(ENDPOINT, "virtual-host");

test("the bucket is in the path", () => {
  assert.equal(byPath.of().href, "http://s3.example.org:8333/");
  assert.equal(byPath.of("bucket").href, "http://s3.example.org:8333/bucket");
  assert.equal(byPath.of("bucket", "a/b").href, "http://s3.example.org:8333/bucket/a/b");
});

test("the bucket is in the host name", () => {
  assert.equal(byHost.of().href, "http://s3.example.org:8333/");
  assert.equal(byHost.of("bucket").href, "http://bucket.s3.example.org:8333/");
  assert.equal(byHost.of("bucket", "a/b").href, "http://bucket.s3.example.org:8333/a/b");
  const onAmazon = new ObjectUrls(new URL("https://s3.eu-west-3.amazonaws.com"), "virtual-host");
  assert.equal(onAmazon.of("bucket", "a").href, "https://bucket.s3.eu-west-3.amazonaws.com/a");
});

test("a bucket with a dot is in the path, for no certificate fits it", () => {
  assert.equal(byHost.of("my.bucket", "a").href, "http://s3.example.org:8333/my.bucket/a");
  assert.equal(byHost.of("my.bucket").href, "http://s3.example.org:8333/my.bucket");
});

test("a bucket that no host name can hold is in the path, and never lost", () => {
  for (const address of ["127.0.0.1", "[::1]"]) {
    const urls = new ObjectUrls(new URL(`http://${address}:8333`), "virtual-host");
    assert.equal(urls.of("bucket", "a").href, `http://${address}:8333/bucket/a`);
    assert.equal(urls.of("bucket").href, `http://${address}:8333/bucket`);
  }
  // No valid Punycode, which only some runtimes refuse.
  const hosts = /^http:\/\/(xn--a\.s3\.example\.org:8333|s3\.example\.org:8333\/xn--a)\/b$/;
  assert.match(byHost.of("xn--a", "b").href, hosts);
});

test("the endpoint stays as it is", () => {
  byHost.of("bucket", "key");
  assert.equal(ENDPOINT.href, "http://s3.example.org:8333/");
});

test("encodeKey() encodes everything but unreserved characters and slashes", () => {
  const cases: readonly [string, string][] = [
    ["AZaz09-._~/x", "AZaz09-._~/x"],
    ["a+b c", "a%2Bb%20c"],
    ["!'()*", "%21%27%28%29%2A"],
    ["%2e%2e/%2F", "%252e%252e/%252F"],
    ["é😀", "%C3%A9%F0%9F%98%80"],
    [`?#[]@:$&,;="<>\\^\`{|}`, "%3F%23%5B%5D%40%3A%24%26%2C%3B%3D%22%3C%3E%5C%5E%60%7B%7C%7D"],
  ];
  for (const [key, encoded] of cases) assert.equal(encodeKey(key), encoded);
});

test("encodeQuery() encodes names and values, and leaves out no empty one", () => {
  assert.equal(encodeQuery({}), "");
  assert.equal(encodeQuery({ uploads: "" }), "uploads=");
  assert.equal(
    encodeQuery({ "list-type": "2", "a b": "c/d+e&f='*'" }),
    "list-type=2&a%20b=c%2Fd%2Be%26f%3D%27%2A%27",
  );
});

function checkWhere(key: string): void {
  const path = byPath.of("bucket", key);
  assert.equal(path.origin, ENDPOINT.origin);
  assert.equal(decodeURIComponent(path.pathname), `/bucket/${key}`);
  const host = byHost.of("bucket", key);
  assert.equal(host.host, "bucket.s3.example.org:8333");
  assert.equal(decodeURIComponent(host.pathname), `/${key}`);
  for (const { search, hash, href } of [path, host]) {
    assert.equal(search + hash, "");
    // What is sent is what was signed: nobody who parses the URL changes it.
    assert.equal(new URL(href).href, href);
  }
}

function isKey(text: string): boolean {
  try {
    return checkObjectKey("key", text) === text;
  } catch {
    return false;
  }
}

test("the path of a URL decodes to exactly the key, for every key", () => {
  ODD_KEYS.forEach(checkWhere);
  const odd = fc.constantFrom(..."%2e./\\+?#&=;:@!'()* ~é\ufeff😀a");
  const text = fc.oneof(fc.string({ unit: "binary" }), fc.string({ unit: odd }));
  fc.assert(fc.property(text.filter(isKey), checkWhere), { numRuns: 1_000 });
});
