import assert from "node:assert/strict";
import type { PresignedPost } from "../../../storage/storage.ts";
import { downloadText, refuses, rejectsWith, type StorageCase } from "./case.ts";

const ODD_KEY = "a/odd key+é";
const TYPED = { method: "PUT", contentType: "text/plain" } as const;
/** Too brief to be sure that it still works when it is first used. */
const BRIEF = { expiresInMs: 1_000 } as const;
const PNG = { contentType: "image/png", minBytes: 2, maxBytes: 10 } as const;

/** The section "Presigning" of the specification. */
export const presigningCases: readonly StorageCase[] = [
  {
    sentence: "a presigned URL reads or writes its object until it expires",
    needs: "presignedUrls",
    async run(storage, bucket) {
      const put = await storage.getPresignedUrl(bucket, ODD_KEY, TYPED);
      assert.ok(await isAccepted(put, { method: "PUT", ...body("text") }));
      assert.equal(await downloadText(storage, bucket, ODD_KEY), "text");
      assert.equal((await storage.getMetadata(bucket, ODD_KEY)).contentType, "text/plain");
      const get = await storage.getPresignedUrl(bucket, ODD_KEY);
      assert.equal(await (await fetch(get)).text(), "text");
      await untilRefused(storage.getPresignedUrl(bucket, ODD_KEY, BRIEF), isAccepted);
      const untyped = await storage.getPresignedUrl(bucket, "b", { method: "PUT" });
      const bytes = new TextEncoder().encode("bytes");
      assert.ok(await isAccepted(untyped, { method: "PUT", body: bytes }));
      assert.equal(await downloadText(storage, bucket, "b"), "bytes");
    },
  },
  {
    sentence: "it works for no other method, key, bucket or content type",
    needs: "presignedUrls",
    async run(storage, bucket) {
      const other = `${bucket}-4`;
      await storage.createBucket(other);
      for (const where of [bucket, other]) await storage.upload(where, "a", "secret");
      await storage.upload(bucket, "b", "secret");
      const get = await storage.getPresignedUrl(bucket, "a");
      const put = await storage.getPresignedUrl(bucket, "a", TYPED);
      const text = body("changed");
      const attempts: [string, RequestInit][] = [
        [get, { method: "PUT", ...text }],
        [get, { method: "DELETE" }],
        [put, {}],
        [put, { method: "DELETE" }],
        [put, { method: "PUT", ...body("changed", "text/html") }],
        [put, { method: "PUT", body: new TextEncoder().encode("changed") }],
        [elsewhere(get, "/a", "/b"), {}],
        [elsewhere(put, "/a", "/b"), { method: "PUT", ...text }],
        [elsewhere(get, bucket, other), {}],
        [get.split("?")[0]!, {}],
      ];
      for (const [url, init] of attempts) {
        assert.equal(await isAccepted(url, init), false, `${init.method} ${url}`);
      }
      for (const [where, key] of [[bucket, "a"], [bucket, "b"], [other, "a"]] as const) {
        assert.equal(await downloadText(storage, where, key), "secret");
      }
    },
  },
  {
    sentence: "presigning nonsense is refused with a ValidationError that names the field",
    async run(storage, bucket) {
      const url = (options: object) => storage.getPresignedUrl(bucket, "a", options);
      const post = (options: object) =>
        storage.getPresignedPost(bucket, "a", { maxBytes: 10, ...options });
      for (const expiresInMs of [0, -1, 999, 604_800_001, 1_500.5, NaN, Infinity, "1000"]) {
        await refuses(url({ expiresInMs }), "expiresInMs");
        await refuses(post({ expiresInMs }), "expiresInMs");
      }
      await refuses(url({ method: "DELETE" }), "method");
      await refuses(url({ contentType: "text/plain" }), "contentType");
      await refuses(url({ method: "PUT", contentType: "text" }), "contentType");
      await refuses(post({ contentType: "a/b\r\nx: y" }), "contentType");
      await refuses(post({ maxBytes: undefined }), "maxBytes");
      await refuses(post({ maxBytes: 5_368_709_121 }), "maxBytes");
      await refuses(post({ minBytes: 11 }), "maxBytes");
      await refuses(post({ minBytes: -1 }), "minBytes");
      await refuses(storage.getPresignedUrl(bucket, "../a"), "key");
      await refuses(storage.getPresignedPost(bucket, "../a", { maxBytes: 1 }), "key");
    },
  },
  {
    sentence:
      "a presigned form uploads a file of its type and within its sizes, and refuses any other",
    needs: "presignedPosts",
    async run(storage, bucket) {
      const post = await storage.getPresignedPost(bucket, ODD_KEY, PNG);
      assert.ok(await sendForm(post, "12"));
      assert.ok(await sendForm(post, "1234567890"));
      const { contentType, size } = await storage.getMetadata(bucket, ODD_KEY);
      assert.deepEqual([contentType, size], ["image/png", 10]);
      assert.equal(await sendForm(post, "1"), false);
      assert.equal(await sendForm(post, "1234567890a"), false);
      assert.equal(await sendForm(post, "1234", { "Content-Type": "text/html" }), false);
      assert.equal(await sendForm(post, "1234", { key: "b" }), false);
      assert.equal(await downloadText(storage, bucket, ODD_KEY), "1234567890");
      assert.equal(await storage.exists(bucket, "b"), false);
      const brief = storage.getPresignedPost(bucket, ODD_KEY, { ...PNG, ...BRIEF });
      await untilRefused(brief, (post) => sendForm(post, "12"));
    },
  },
  {
    sentence: "presigned URLs are refused with code unsupported, never ignored",
    lacks: "presignedUrls",
    async run(storage, bucket) {
      await rejectsWith(storage.getPresignedUrl(bucket, "key"), "unsupported");
    },
  },
  {
    sentence: "presigned forms are refused with code unsupported, never ignored",
    lacks: "presignedPosts",
    async run(storage, bucket) {
      await rejectsWith(storage.getPresignedPost(bucket, "key", { maxBytes: 1 }), "unsupported");
    },
  },
];

function body(text: string, contentType = "text/plain"): RequestInit {
  return { body: new TextEncoder().encode(text), headers: { "content-type": contentType } };
}

function elsewhere(url: string, from: string, to: string): string {
  const changed = new URL(url);
  changed.pathname = changed.pathname.replace(from, to);
  changed.hostname = changed.hostname.replace(from, to);
  return changed.href;
}

/** Whether the server did what it was asked for; any other answer must say that it refuses. */
async function isAccepted(url: string, init: RequestInit = {}): Promise<boolean> {
  const response = await fetch(url, init);
  await response.body?.cancel();
  assert.ok(response.ok || response.status >= 400 && response.status < 500, `${response.status}`);
  return response.ok;
}

async function untilRefused<T>(
  presigned: Promise<T>,
  isAccepted: (presigned: T) => Promise<boolean>,
): Promise<void> {
  const made = await presigned;
  while (await isAccepted(made)) await new Promise((resolve) => setTimeout(resolve, 200));
}

async function sendForm(
  { url, fields }: PresignedPost,
  file: string,
  changes: Readonly<Record<string, string>> = {},
): Promise<boolean> {
  const form = new FormData();
  for (const [name, value] of Object.entries({ ...fields, ...changes })) form.set(name, value);
  form.set("file", new Blob([file]), "file");
  return await isAccepted(url, { method: "POST", body: form });
}
