import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { MemoryStorageProvider } from "../../../storage/adapters/memory.ts";
import { handlePresigned } from "../../../storage/presigned/presigned_handler.ts";
import { UrlSigner } from "../../../storage/presigned/url_signer.ts";
import type { PresignOptions } from "../../../storage/storage.ts";
import { ManualClock } from "../../conformance/manual_clock.ts";
import { downloadText, streamOf } from "../../conformance/storage/case.ts";

const clock = new ManualClock();
const signer = new UrlSigner({ baseUrl: "http://127.0.0.1/", secret: "s".repeat(32) }, clock);
const TEXT = { contentType: "text/plain" } as const;
const FORM = { ...TEXT, minBytes: 0, maxBytes: 10, expiresInMs: 1_000 };

async function open(
  storage = new MemoryStorageProvider({ clock }),
): Promise<MemoryStorageProvider> {
  await storage.createBucket("bucket");
  await storage.upload("bucket", "a", "0123456789", TEXT);
  return storage;
}

function sign(key: string, { method = "GET", contentType }: PresignOptions = {}): string {
  return signer.signUrl({ bucket: "bucket", key }, { method, contentType, expiresInMs: 1_000 });
}

function send(
  storage: MemoryStorageProvider,
  url: string,
  init: RequestInit & { readonly duplex?: "half" } = {},
): Promise<Response> {
  return handlePresigned(storage, signer, new Request(url, init));
}

function put(body: BodyInit | null, headers: HeadersInit = {}): RequestInit & { duplex: "half" } {
  return { method: "PUT", body, headers, duplex: "half" };
}

function form(file: string): RequestInit {
  const body = new FormData();
  body.set("Content-Type", "text/plain");
  body.set("file", new Blob([file]));
  return { method: "POST", body };
}

async function summary(response: Response): Promise<unknown[]> {
  return [response.status, await response.text()];
}

test("a GET gives the object, or what of it the headers ask for", async () => {
  const storage = await open();
  const whole = await send(storage, sign("a"));
  assert.deepEqual([whole.status, await whole.text()], [200, "0123456789"]);
  const part = await send(storage, sign("a"), { headers: { range: "bytes=2-4" } });
  assert.deepEqual([part.status, await part.text()], [206, "234"]);
  const beyond = await send(storage, sign("a"), { headers: { range: "bytes=10-" } });
  assert.deepEqual([beyond.status, beyond.headers.get("content-range")], [416, "bytes */10"]);
});

test("a PUT writes the object with the type that it sends, or that it was signed for", async () => {
  const storage = await open();
  const typeOf = async (key: string): Promise<string> =>
    (await storage.getMetadata("bucket", key)).contentType;
  const typed = sign("b", { method: "PUT", ...TEXT });
  const response = await send(storage, typed, put("text", { "content-type": "text/plain" }));
  const { etag } = await storage.getMetadata("bucket", "b");
  assert.deepEqual([response.status, response.headers.get("etag")], [200, `"${etag}"`]);
  assert.deepEqual([await downloadText(storage, "bucket", "b"), await typeOf("b")], [
    "text",
    "text/plain",
  ]);
  const untyped = sign("c", { method: "PUT" });
  const bytes = new TextEncoder().encode("bytes");
  assert.equal((await send(storage, untyped, put(bytes))).status, 200);
  assert.equal(await typeOf("c"), "application/octet-stream");
  assert.equal((await send(storage, untyped, put(null, { "content-type": "a/b" }))).status, 200);
  assert.deepEqual([await downloadText(storage, "bucket", "c"), await typeOf("c")], ["", "a/b"]);
  for (const type of ["text/html", "text/plain;charset=UTF-8", "TEXT/PLAIN", ""]) {
    const refused = await send(storage, typed, put(bytes, { "content-type": type }));
    assert.equal(refused.status, 403, type);
  }
  assert.equal((await send(storage, typed, put(bytes))).status, 403);
  assert.equal((await send(storage, untyped, put(bytes, { "content-type": "text" }))).status, 400);
  assert.equal(await downloadText(storage, "bucket", "b"), "text");
});

test("a PUT that is not whole writes nothing", async () => {
  const storage = await open();
  const url = sign("a", { method: "PUT" });
  const bytes = new TextEncoder().encode("new");
  const bodies = [
    put(streamOf(["new"]), { "content-length": "4" }),
    put(streamOf(["new"]), { "content-length": "2" }),
    put(streamOf(["new"]), { "content-length": "x" }),
    put(bytes, { "content-range": "bytes 0-2/10" }),
  ];
  for (const init of bodies) assert.equal((await send(storage, url, init)).status, 400);
  const failing = put(streamOf(["new"], { failure: new Error("left") }));
  assert.equal((await send(storage, url, failing)).ok, false);
  assert.equal(await downloadText(storage, "bucket", "a"), "0123456789");
});

test("a PUT with conditions writes only when they hold", async () => {
  const storage = await open();
  const write = async (key: string, headers: HeadersInit): Promise<number> =>
    (await send(storage, sign(key, { method: "PUT" }), put("new", headers))).status;
  assert.equal(await write("a", { "if-none-match": "*" }), 412);
  assert.equal(await write("a", { "if-match": '"another"' }), 412);
  assert.equal(await write("a", { "if-match": "*" }), 501);
  assert.equal(await write("a", { "if-match": '"e"', "if-none-match": "*" }), 400);
  assert.equal(await downloadText(storage, "bucket", "a"), "0123456789");
  const { etag } = await storage.getMetadata("bucket", "a");
  assert.equal(await write("a", { "if-match": `"${etag}"` }), 200);
  assert.equal(await write("b", { "if-none-match": "*" }), 200);
});

test("a form writes the object with the type that it was signed for", async () => {
  const storage = await open();
  const { url } = signer.signForm({ bucket: "bucket", key: "b" }, FORM);
  const response = await send(storage, url, form("0123456789"));
  const { etag, contentType } = await storage.getMetadata("bucket", "b");
  assert.deepEqual([response.status, response.headers.get("etag")], [204, `"${etag}"`]);
  assert.equal(contentType, "text/plain");
  const large = await send(storage, url, form("0123456789a"));
  assert.deepEqual(await summary(large), [400, "The file must have 0 to 10 bytes\n"]);
  assert.equal(await downloadText(storage, "bucket", "b"), "0123456789");
});

test("what is not signed for, or is too late, is refused before its body is read", async () => {
  const own = new ManualClock();
  const late = new UrlSigner({ baseUrl: "http://127.0.0.1/", secret: "s".repeat(32) }, own);
  const storage = await open();
  const { url: post } = signer.signForm({ bucket: "bucket", key: "a" }, FORM);
  const send = async (method: string, url: string): Promise<unknown[]> => {
    let isRead = false;
    const body = new ReadableStream({ pull: () => void (isRead = true) }, { highWaterMark: 0 });
    const init = { method, ...(method === "GET" || method === "HEAD" ? {} : { body }) };
    const request = new Request(url, { ...init, ...{ duplex: "half" } });
    const answer = await summary(await handlePresigned(storage, late, request));
    assert.equal(isRead, false);
    return answer;
  };
  const unsigned = [403, "The URL is not signed for this\n"];
  const [get, write] = [sign("a"), sign("a", { method: "PUT" })];
  for (const method of ["PUT", "POST", "HEAD", "DELETE", "OPTIONS", "PATCH"]) {
    assert.deepEqual(await send(method, get), unsigned);
  }
  for (const method of ["GET", "POST"]) assert.deepEqual(await send(method, write), unsigned);
  for (const method of ["GET", "PUT"]) assert.deepEqual(await send(method, post), unsigned);
  assert.deepEqual(await send("GET", get.replace("/a?", "/b?")), unsigned);
  own.advance(1_000);
  const expired = [403, "The URL has expired\n"];
  assert.deepEqual(await send("GET", get), expired);
  assert.deepEqual(await send("PUT", write), expired);
  assert.deepEqual(await send("POST", post), expired);
  assert.deepEqual(await send("PUT", get), unsigned);
});

test("what is missing or fails is answered with a status", async () => {
  const storage = await open(new MemoryStorageProvider({ clock, maxBytes: 12 }));
  const status = async (url: string, init: RequestInit = {}): Promise<number> =>
    (await send(storage, url, init)).status;
  const other = { bucket: "other", key: "a" };
  const terms = { contentType: undefined, expiresInMs: 1_000 };
  assert.equal(await status(sign("missing")), 404);
  assert.equal(await status(signer.signUrl(other, { method: "GET", ...terms })), 404);
  assert.equal(await status(signer.signUrl(other, { method: "PUT", ...terms }), put("x")), 404);
  assert.equal(await status(signer.signForm(other, FORM).url, form("x")), 404);
  assert.equal(await status(sign("b", { method: "PUT" }), put("123")), 503);
  await storage.close();
  assert.equal(await status(sign("a")), 503);
});

test("huge headers are answered like others", async () => {
  const storage = await open();
  const huge = "9".repeat(1_000_000);
  const tags = '"a", '.repeat(200_000);
  const headers = { range: `bytes=${huge}-`, "if-none-match": tags, "if-range": tags, "x-a": huge };
  assert.equal((await send(storage, sign("a"), { headers })).status, 200);
  const condition = put("x", { "if-match": `"${huge}"` });
  assert.equal((await send(storage, sign("a", { method: "PUT" }), condition)).status, 400);
  const typed = put("x", { "content-type": `a/${huge}` });
  assert.equal((await send(storage, sign("a", { method: "PUT" }), typed)).status, 400);
});

test("no request makes it reject", async () => {
  const storage = await open();
  const { url: post } = signer.signForm({ bucket: "bucket", key: "a" }, FORM);
  const signed = { GET: sign("a"), PUT: sign("a", { method: "PUT" }), POST: post };
  const names = [
    "range",
    "if-match",
    "if-none-match",
    "if-range",
    "content-type",
    "content-length",
  ];
  const value = fc.oneof(
    fc.string().map((text) => text.trim()),
    fc.constantFrom("bytes=0-", '"e"', "*", "multipart/form-data; boundary=x", "3"),
  );
  const request = fc.record({
    method: fc.constantFrom("GET" as const, "PUT" as const, "POST" as const),
    inserted: fc.oneof(fc.constant(""), fc.string()),
    at: fc.nat(100),
    headers: fc.dictionary(fc.constantFrom(...names), value),
    text: fc.string(),
  });
  await fc.assert(fc.asyncProperty(request, async ({ method, inserted, at, headers, text }) => {
    const start = "http://127.0.0.1/".length + at;
    const url = signed[method].slice(0, start) + inserted + signed[method].slice(start);
    const body = method === "GET" ? {} : { body: text };
    const response = await send(storage, url, { method, headers, ...body });
    assert.ok([200, 204, 206, 304, 400, 403, 404, 412, 413, 416, 501].includes(response.status));
    await response.body?.cancel();
  }));
});
