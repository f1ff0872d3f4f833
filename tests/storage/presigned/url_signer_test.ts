import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import { inspect } from "node:util";
import * as fc from "fast-check";
import { type PresignSettings, UrlSigner } from "../../../storage/presigned/url_signer.ts";
import { ODD_KEYS } from "../../conformance/storage/keys.ts";
import { ManualClock } from "../../conformance/manual_clock.ts";

const SETTINGS = { baseUrl: "https://example.org/files", secret: "s".repeat(32) };
const BASE = "https://example.org/files/";
const WEEK_MS = 604_800_000;
const A = { bucket: "bucket", key: "a/b" };
const TYPED = { method: "PUT", contentType: "text/plain", expiresInMs: WEEK_MS } as const;
const FORM = { contentType: "image/png", minBytes: 1, maxBytes: 10, expiresInMs: WEEK_MS };

const clock = new ManualClock();
const signer = new UrlSigner(SETTINGS, clock);

function read(at = A, expiresInMs = WEEK_MS): string {
  return signer.signUrl(at, { method: "GET", contentType: undefined, expiresInMs });
}

function verify(url: string, method = "GET", by = signer): unknown {
  return by.verify(method, new URL(url));
}

test("what was signed is recognized, with all that it may do", () => {
  assert.deepEqual(verify(read()), { ...A, method: "GET" });
  const write = signer.signUrl(A, TYPED);
  assert.deepEqual(verify(write, "PUT"), { ...A, method: "PUT", contentType: "text/plain" });
  const untyped = signer.signUrl(A, { ...TYPED, contentType: undefined });
  assert.deepEqual(verify(untyped, "PUT"), { ...A, method: "PUT", contentType: undefined });
  const { url, fields } = signer.signForm(A, FORM);
  const { expiresInMs: _, ...terms } = FORM;
  assert.deepEqual(verify(url, "POST"), { ...A, method: "POST", ...terms });
  assert.deepEqual(fields, { "Content-Type": "image/png" });
});

test("a URL keeps every key, however it looks", () => {
  for (const key of ODD_KEYS) {
    const url = read({ bucket: "bucket", key });
    assert.ok(url.startsWith(`${BASE}bucket/`));
    assert.deepEqual(verify(url), { bucket: "bucket", key, method: "GET" });
  }
});

test("the signature is an HMAC-SHA-256 under a key of HKDF for one method and base URL", async () => {
  const url = new URL(signer.signUrl(A, TYPED));
  const expires = `${clock.now() + WEEK_MS}`;
  const text = JSON.stringify(["PUT", "bucket", "a/b", ["expires", expires], [
    "type",
    "text/plain",
  ]]);
  const info = JSON.stringify(["benchmark-exchange presigned request", "PUT", BASE]);
  const bytes = (value: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(value);
  const secret = await crypto.subtle.importKey("raw", bytes(SETTINGS.secret), "HKDF", false, [
    "deriveKey",
  ]);
  const key = await crypto.subtle.deriveKey(
    { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(), info: bytes(info) },
    secret,
    { name: "HMAC", hash: "SHA-256", length: 256 },
    false,
    ["sign"],
  );
  const signature = Buffer.from(await crypto.subtle.sign("HMAC", key, bytes(text)));
  assert.equal(url.searchParams.get("signature"), signature.toString("base64url"));
});

test("it works for no other method", () => {
  const urls = { GET: read(), PUT: signer.signUrl(A, TYPED), POST: signer.signForm(A, FORM).url };
  for (const [signed, url] of Object.entries(urls)) {
    for (
      const method of ["GET", "PUT", "POST", "HEAD", "DELETE", "OPTIONS", "get", "", "constructor"]
    ) {
      if (method !== signed) assert.equal(verify(url, method), "unsigned", `${signed} ${method}`);
    }
  }
});

test("it works until it expires, as the clock says it", () => {
  let nowMs = Date.UTC(2026, 0, 1);
  const moving = new UrlSigner(SETTINGS, { now: () => nowMs });
  const url = moving.signUrl(A, { ...TYPED, expiresInMs: 1_000 });
  const works = { ...A, method: "PUT", contentType: "text/plain" };
  assert.deepEqual(verify(url, "PUT", moving), works);
  nowMs += 999;
  assert.deepEqual(verify(url, "PUT", moving), works);
  nowMs += 1;
  assert.equal(verify(url, "PUT", moving), "expired");
  assert.equal(verify(url, "GET", moving), "unsigned");
  nowMs -= 1;
  assert.deepEqual(verify(url, "PUT", moving), works);
  nowMs -= WEEK_MS;
  assert.deepEqual(verify(url, "PUT", moving), works);
});

test("a URL that was changed anywhere is refused, unless it still means the same", () => {
  const { url: form } = signer.signForm({ bucket: "bucket", key: "é %/b" }, FORM);
  const urls = { GET: read(), PUT: signer.signUrl(A, TYPED), POST: form };
  for (const [method, url] of Object.entries(urls)) {
    const signed = verify(url, method);
    assert.equal(typeof signed, "object");
    for (let i = BASE.length; i < url.length; i++) {
      for (const character of ["A", "9", "_", ".", "/", "%", "&", "=", "?", "#", "é"]) {
        const changed = url.slice(0, i) + character + url.slice(i + 1);
        const verdict = verify(changed, method);
        if (verdict !== "unsigned") assert.deepEqual(verdict, signed, changed);
      }
      assert.equal(verify(url.slice(0, i), method), "unsigned");
    }
  }
});

test("a URL that leads elsewhere or says something else is refused", () => {
  const url = read();
  const { search } = new URL(url);
  const { searchParams: form } = new URL(signer.signForm(A, FORM).url);
  const changed: Record<string, string> = {
    "another bucket": `${BASE}bucket2/a/b${search}`,
    "another key": `${BASE}bucket/a/c${search}`,
    "key in the bucket": `${BASE}bucket%2Fa/b/${search}`,
    "encoded twice": `${BASE}bucket/%2561/b${search}`,
    "malformed encoding": `${BASE}bucket/a/b%${search}`,
    "broken UTF-8": `${BASE}bucket/a/b%ff${search}`,
    "slash at the end": `${BASE}bucket/a/b/${search}`,
    "two slashes": `${BASE}bucket//a/b${search}`,
    "slash before the bucket": `${BASE}/bucket/a/b${search}`,
    "no key": `${BASE}bucket${search}`,
    "nothing": `${BASE}${search}`,
    "no signature": url.replace(/&signature=.*/, ""),
    "empty signature": url.replace(/signature=.*/, "signature="),
    "padded signature": `${url}=`,
    "signature with a space": `${url}%20`,
    "two signatures": `${url}&signature=${new URL(url).searchParams.get("signature")}`,
    "signature of a form": url.replace(/signature=.*/, `signature=${form.get("signature")}`),
    "later": url.replace("expires=", "expires=9"),
    "two expiries": `${url}&expires=9999999999999`,
    "no expiry": url.replace(/expires=\d+/, ""),
    "another parameter": `${url}&a=`,
    "another content type": `${url}&type=text/html`,
    "many parameters": `${url}${"&a=b".repeat(10_000)}`,
  };
  for (const [what, other] of Object.entries(changed)) {
    assert.equal(verify(other), "unsigned", what);
  }
});

test("what leads to the same object by the same words is recognized", () => {
  const write = signer.signUrl({ bucket: "bucket", key: "é/b" }, TYPED);
  const signed = verify(write, "PUT");
  const { searchParams } = new URL(write);
  const reversed = new URLSearchParams([...searchParams].reverse());
  const same: Record<string, string> = {
    "order of parameters": `${BASE}bucket/%C3%A9/b?${reversed}`,
    "small digits": write.replace("%C3%A9", "%c3%a9"),
    "encoded letters": write.replace("/b?", "/%62?").replace("bucket", "%62ucket"),
    "encoded slash": write.replace("A9/b", "A9%2fb"),
    "folded segments": write.replace("/b?", "/c/../%2e/b?"),
    "host of a proxy": write.replace("https://example.org", "http://10.0.0.1:8080"),
  };
  for (const [what, other] of Object.entries(same)) {
    assert.deepEqual(verify(other, "PUT"), signed, what);
  }
});

test("what lies outside the base URL is elsewhere", () => {
  const { pathname, search } = new URL(read());
  for (
    const path of ["/", "/files", "/filesystem/a", "/files%2fbucket/a", "/other", "/files/../a"]
  ) {
    assert.equal(verify(`https://example.org${path}${search}`), "elsewhere", path);
  }
  const atRoot = new UrlSigner({ ...SETTINGS, baseUrl: "https://example.org" }, clock);
  assert.equal(verify(`https://example.org${pathname}${search}`, "GET", atRoot), "unsigned");
});

test("another secret or base URL gives other signatures", () => {
  for (const baseUrl of ["http://example.org/files", "https://example.org:1/files"]) {
    assert.equal(verify(read(), "GET", new UrlSigner({ ...SETTINGS, baseUrl }, clock)), "unsigned");
  }
  const secret = `${SETTINGS.secret}s`;
  assert.equal(verify(read(), "GET", new UrlSigner({ ...SETTINGS, secret }, clock)), "unsigned");
});

test("the same secret is the same as text and as bytes, with a slash after the base URL and without", () => {
  const secret = new TextEncoder().encode(SETTINGS.secret);
  const same = new UrlSigner({ baseUrl: BASE, secret }, clock);
  secret.fill(0);
  assert.deepEqual(verify(read(), "GET", same), { ...A, method: "GET" });
});

test("no two requests have the same signature", () => {
  const signatureOf = (url: string): string => new URL(url).searchParams.get("signature") ?? "";
  const part = fc.constantFrom("aaa", "a", "b", "GET", "PUT", ",", '"', '","', "\\", "&", "=");
  const address = fc.record({
    bucket: fc.constantFrom("aaa", "aaa.bbb", "get"),
    key: fc.array(part, { minLength: 1, maxLength: 3 }).map((parts) => parts.join("/")),
  });
  const type = fc.option(fc.constantFrom("a/b", "a/b;expires=1", "a/b&expires=1", 'a/b;","'), {
    nil: undefined,
  });
  const request = fc.record({
    at: address,
    method: fc.constantFrom("GET" as const, "PUT" as const),
    contentType: type,
    expiresInMs: fc.constantFrom(1_000, 10_000, 10_001),
  });
  fc.assert(fc.property(request, request, (one, other) => {
    const same = JSON.stringify(Object.entries(one)) === JSON.stringify(Object.entries(other));
    const [a, b] = [signer.signUrl(one.at, one), signer.signUrl(other.at, other)].map(signatureOf);
    assert.equal(a === b, same);
  }));
});

test("settings that cannot be used are refused by name, and never shown", () => {
  const bad: [object, string][] = [
    [{ baseUrl: undefined }, "presign.baseUrl"],
    [{ baseUrl: "" }, "presign.baseUrl"],
    [{ baseUrl: "/files" }, "presign.baseUrl"],
    [{ baseUrl: "ftp://example.org/s3cr3t" }, "presign.baseUrl"],
    [{ baseUrl: "https://user:s3cr3t@example.org" }, "presign.baseUrl"],
    [{ baseUrl: "https://example.org/?s3cr3t" }, "presign.baseUrl"],
    [{ baseUrl: "https://example.org/?" }, "presign.baseUrl"],
    [{ baseUrl: "https://example.org/#" }, "presign.baseUrl"],
    [{ secret: undefined }, "presign.secret"],
    [{ secret: "s3cr3t" }, "presign.secret"],
    [{ secret: new Uint8Array(31) }, "presign.secret"],
    [{ secret: ["s3cr3t"] }, "presign.secret"],
  ];
  for (const [change, field] of bad) {
    const settings = { ...SETTINGS, ...change } as PresignSettings;
    assert.throws(() => new UrlSigner(settings, clock), (error: Error) => {
      assert.equal((error as { field?: string }).field, field);
      assert.ok(!inspect(error).includes("s3cr3t"));
      return true;
    });
  }
  assert.ok(new UrlSigner({ ...SETTINGS, secret: "é".repeat(16) }, clock));
  const shown = inspect(signer, { depth: Infinity, showHidden: true }) + JSON.stringify(signer);
  assert.ok(!shown.includes(SETTINGS.secret) && !/[0-9a-f]{2} [0-9a-f]{2} /.test(shown), shown);
});
