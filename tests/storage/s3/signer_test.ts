import { Buffer } from "node:buffer";
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { test } from "node:test";
import { usableCredentials } from "../../../storage/adapters/s3/credentials.ts";
import type { HttpRequest } from "../../../storage/adapters/s3/http_client.ts";
import { ObjectUrls } from "../../../storage/adapters/s3/object_urls.ts";
import { type S3Request, Signer } from "../../../storage/adapters/s3/signer.ts";
import { sha256Hex } from "../../../storage/digest.ts";
import { ManualClock } from "../../conformance/manual_clock.ts";

/** The published examples of Amazon: "Signature Calculations for the Authorization Header" and its sisters; "PUT Object" signs a `Date`, which we never do. */
const KEY = {
  accessKeyId: "AKIAIOSFODNN7EXAMPLE",
  secretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
};
const DAY = Date.UTC(2013, 4, 24);
const bucket = "examplebucket";
const amazon = new ObjectUrls(new URL("https://s3.amazonaws.com"), "virtual-host");
const SCOPE = "AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request";

function signerAt(startMs: number, credentials: typeof KEY & { sessionToken?: string } = KEY): {
  signer: Signer;
  clock: ManualClock;
} {
  const clock = new ManualClock(startMs);
  const options = {
    credentials: usableCredentials(credentials, clock),
    region: "us-east-1",
    clock,
  };
  return { signer: new Signer(options), clock };
}

/** The parts of the header that signs. */
function authorization({ headers }: HttpRequest): Record<string, string> {
  const [algorithm, rest = ""] = (headers["authorization"] ?? "").split(/ (.*)/);
  assert.equal(algorithm, "AWS4-HMAC-SHA256");
  return Object.fromEntries(rest.split(", ").map((part) => part.split("=")));
}

const EXAMPLES: readonly [string, S3Request, string, string][] = [
  [
    "GET Object",
    { method: "GET", key: "test.txt", headers: { range: "bytes=0-9" } },
    "host;range;x-amz-content-sha256;x-amz-date",
    "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
  ],
  [
    "GET Bucket Lifecycle",
    { method: "GET", query: { lifecycle: "" } },
    "host;x-amz-content-sha256;x-amz-date",
    "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
  ],
  [
    "Get Bucket (List Objects)",
    { method: "GET", query: { "max-keys": "2", prefix: "J" } },
    "host;x-amz-content-sha256;x-amz-date",
    "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
  ],
];

for (const [name, request, headers, signature] of EXAMPLES) {
  test(`sign() signs the example "${name}" of Amazon`, async () => {
    const signed = await signerAt(DAY).signer.sign({ ...request, bucket }, amazon);
    assert.deepEqual(authorization(signed), {
      Credential: SCOPE,
      SignedHeaders: headers,
      Signature: signature,
    });
  });
}

test("sign() gives a request that is ready to be sent", async () => {
  const body = new TextEncoder().encode("bytes");
  const headers = { "content-type": "text/plain" };
  const request = {
    method: "PUT",
    bucket,
    key: "a b/é+",
    query: { partNumber: "1" },
    headers,
    body,
  };
  const signed = await signerAt(DAY).signer.sign(request, amazon);
  const { authorization: _, ...others } = signed.headers;
  assert.deepEqual([signed.method, signed.body], ["PUT", body]);
  const url = "https://examplebucket.s3.amazonaws.com/a%20b/%C3%A9%2B?partNumber=1";
  assert.equal(signed.url, url);
  assert.deepEqual(others, {
    "content-type": "text/plain",
    "x-amz-content-sha256": sha256Hex("bytes"),
    "x-amz-date": "20130524T000000Z",
  });
  assert.deepEqual(headers, { "content-type": "text/plain" });
});

/** The signature of a request without a body, step by step as the documentation has it. */
function signatureByHand(path: string, query: string): string {
  const empty = sha256Hex("");
  const host = "examplebucket.s3.amazonaws.com";
  const headers = `host:${host}\nx-amz-content-sha256:${empty}\nx-amz-date:20130524T000000Z\n`;
  const names = "host;x-amz-content-sha256;x-amz-date";
  const request = ["GET", path, query, headers, names, empty].join("\n");
  const scope = SCOPE.slice(SCOPE.indexOf("/") + 1);
  const text = ["AWS4-HMAC-SHA256", "20130524T000000Z", scope, sha256Hex(request)].join("\n");
  let key = Buffer.from(`AWS4${KEY.secretAccessKey}`);
  for (const part of scope.split("/")) key = createHmac("sha256", key).update(part).digest();
  return createHmac("sha256", key).update(text).digest("hex");
}

test("sign() signs path and query as they are sent, encoded once", async () => {
  const query = { prefix: "a b/é+*", marker: "" };
  const request = { method: "GET", bucket, key: "a b/é+(*)/%2e", query };
  const signed = await signerAt(DAY).signer.sign(request, amazon);
  const path = "/a%20b/%C3%A9%2B%28%2A%29/%252e";
  const url = `https://examplebucket.s3.amazonaws.com${path}`;
  assert.equal(signed.url, `${url}?prefix=a%20b%2F%C3%A9%2B%2A&marker=`);
  const sorted = "marker=&prefix=a%20b%2F%C3%A9%2B%2A";
  assert.equal(authorization(signed)["Signature"], signatureByHand(path, sorted));
});

test("sign() takes a digest that is known, and that of nothing without a body", async () => {
  const { signer } = signerAt(DAY);
  const sha256 = "0".repeat(64);
  const known = await signer.sign(
    { method: "PUT", bucket, body: new Uint8Array(1), sha256 },
    amazon,
  );
  assert.equal(known.headers["x-amz-content-sha256"], sha256);
  for (const body of [undefined, new Uint8Array()]) {
    const { headers } = await signer.sign({ method: "PUT", bucket, body }, amazon);
    assert.equal(headers["x-amz-content-sha256"], sha256Hex(""));
  }
});

test("sign() signs all headers but the one that fetch changes", async () => {
  const headers = { "accept-encoding": "identity", "if-match": '"e"', "x-amz-meta-a": "1" };
  const signed = await signerAt(DAY).signer.sign({ method: "GET", bucket, headers }, amazon);
  const { SignedHeaders } = authorization(signed);
  assert.equal(SignedHeaders, "host;if-match;x-amz-content-sha256;x-amz-date;x-amz-meta-a");
  assert.equal(signed.headers["accept-encoding"], "identity");
});

test("the port belongs to the host that is signed", async () => {
  const { signer } = signerAt(DAY);
  const signatures = await Promise.all(
    ["http://localhost:1", "http://localhost:2", "http://localhost"].map(async (endpoint) => {
      const urls = new ObjectUrls(new URL(endpoint), "path");
      return authorization(await signer.sign({ method: "GET", bucket }, urls))["Signature"];
    }),
  );
  assert.equal(new Set(signatures).size, 3);
});

test("a session token is sent and signed", async () => {
  const { signer } = signerAt(DAY, { ...KEY, sessionToken: "token" });
  const signed = await signer.sign({ method: "GET", bucket }, amazon);
  assert.equal(signed.headers["x-amz-security-token"], "token");
  assert.match(authorization(signed)["SignedHeaders"] ?? "", /x-amz-security-token/);
  const url = new URL(await signer.presign({ method: "GET", bucket, key: "a" }, amazon, 1_000));
  assert.equal(url.searchParams.get("X-Amz-Security-Token"), "token");
  assert.equal((await signer.signText(() => "")).sessionToken, "token");
});

test("presign() makes the example of Amazon, and says nothing of a body", async () => {
  const request = { method: "GET", bucket, key: "test.txt" };
  const url = new URL(await signerAt(DAY).signer.presign(request, amazon, 86_400_000));
  assert.equal(url.origin + url.pathname, "https://examplebucket.s3.amazonaws.com/test.txt");
  assert.deepEqual(Object.fromEntries(url.searchParams), {
    "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
    "X-Amz-Credential": SCOPE,
    "X-Amz-Date": "20130524T000000Z",
    "X-Amz-Expires": "86400",
    "X-Amz-SignedHeaders": "host",
    "X-Amz-Signature": "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404",
  });
});

test("presign() signs the headers that it is given, and counts begun seconds", async () => {
  const headers = { "content-type": "text/plain" };
  const request = { method: "PUT", bucket, key: "a b", headers };
  const text = await signerAt(DAY).signer.presign(request, amazon, 1_001);
  const { pathname, searchParams } = new URL(text);
  assert.equal(pathname, "/a%20b");
  assert.equal(searchParams.get("X-Amz-SignedHeaders"), "content-type;host");
  assert.equal(searchParams.get("X-Amz-Expires"), "2");
  assert.doesNotMatch(text, /text|sha256=|checksum/);
  const other = { ...request, headers: { "content-type": "text/html" } };
  assert.notEqual(await signerAt(DAY).signer.presign(other, amazon, 1_001), text);
});

/** The policy of "Example: Browser-Based Upload using HTTP POST" of Amazon. */
const POLICY = [
  '{ "expiration": "2015-12-30T12:00:00.000Z",',
  '  "conditions": [',
  '    {"bucket": "sigv4examplebucket"},',
  '    ["starts-with", "$key", "user/user1/"],',
  '    {"acl": "public-read"},',
  '    {"success_action_redirect": "http://sigv4examplebucket.s3.amazonaws.com/successful_upload.html"},',
  '    ["starts-with", "$Content-Type", "image/"],',
  '    {"x-amz-meta-uuid": "14365123651274"},',
  '    {"x-amz-server-side-encryption": "AES256"},',
  '    ["starts-with", "$x-amz-meta-tag", ""],',
  "",
  '    {"x-amz-credential": "AKIAIOSFODNN7EXAMPLE/20151229/us-east-1/s3/aws4_request"},',
  '    {"x-amz-algorithm": "AWS4-HMAC-SHA256"},',
  '    {"x-amz-date": "20151229T000000Z" }',
  "  ]",
  "}",
].join("\r\n");

test("signText() signs the form of Amazon's example", async () => {
  const { signer } = signerAt(Date.UTC(2015, 11, 29));
  const told: unknown[] = [];
  const signed = await signer.signText((about) => {
    told.push(about);
    return Buffer.from(POLICY).toString("base64");
  });
  const about = {
    credential: "AKIAIOSFODNN7EXAMPLE/20151229/us-east-1/s3/aws4_request",
    date: "20151229T000000Z",
    sessionToken: undefined,
  };
  assert.deepEqual(told, [about]);
  const signature = "8afdbf4008c03f22c2cd3cdb72e4afbb1f6a588f3255ac628749a66d7f09699e";
  assert.deepEqual(signed, { ...about, signature });
});

test("after a correction, everything is signed by the clock of the server", async () => {
  const { signer, clock } = signerAt(DAY);
  assert.equal(signer.now(), DAY);
  signer.correctClock(DAY - 3_600_000);
  clock.advance(60_000);
  assert.equal(signer.now(), DAY - 3_540_000);
  const date = "20130523T230100Z";
  const { headers } = await signer.sign({ method: "GET", bucket }, amazon);
  assert.equal(headers["x-amz-date"], date);
  assert.match(headers["authorization"] ?? "", /AKIAIOSFODNN7EXAMPLE\/20130523\//);
  const url = await signer.presign({ method: "GET", bucket, key: "a" }, amazon, 1_000);
  assert.equal(new URL(url).searchParams.get("X-Amz-Date"), date);
  assert.equal((await signer.signText(() => "")).date, date);
  signer.correctClock(clock.now());
  assert.equal(signer.now(), clock.now());
});

test("nothing is signed when there are no credentials", async () => {
  const failure = new Error("no credentials");
  const clock = new ManualClock(DAY);
  const credentials = (): Promise<never> => Promise.reject(failure);
  const signer = new Signer({ credentials, region: "us-east-1", clock });
  await assert.rejects(signer.sign({ method: "GET", bucket }, amazon), failure);
  await assert.rejects(signer.presign({ method: "GET", bucket }, amazon, 1_000), failure);
  await assert.rejects(signer.signText(() => ""), failure);
});
