import assert from "node:assert/strict";
import { IntegrityError } from "../../core/errors.ts";
import type { S3StorageProvider } from "../../storage/adapters/s3.ts";
import {
  answer,
  changeRequestHeaders,
  compose,
  corruptRequest,
  forwardThenAnswer,
  resetPeer,
  swallowReply,
} from "../support/http_faults.ts";
import { headerValue } from "../support/http_messages.ts";
import { withProxiedS3 } from "../support/proxied_s3.ts";
import { s3Access, withS3 } from "../support/s3.ts";
import { signAgain } from "../support/s3_signature.ts";
import { findService, serviceTest } from "../support/services.ts";

const testS3 = serviceTest(await findService("s3"));

const PART = 5_242_880;
const PARTS = { partBytes: PART };
const LARGE = new Uint8Array(2 * PART + 1_000).fill(7);
const INTERNAL = "<Error><Code>InternalError</Code></Error>";
const PUT_PART = /^PUT .*partNumber=2/;
const COMPLETE = /^POST .*\/a\?(?!uploads).*uploadId=/;
const ABORT = /^DELETE .*uploadId=/;

testS3("a part that fails is sent again, alone", async (url) => {
  await withProxiedS3(url, async ({ storage, direct, proxy, bucket, count }) => {
    for (const fault of [answer(500, INTERNAL), resetPeer(), swallowReply(), corruptRequest(99)]) {
      proxy.requests.length = 0;
      proxy.on(PUT_PART, fault, { times: 1 });
      const { size } = await storage.upload(bucket, "a", streamOf(LARGE));
      assert.equal(size, LARGE.length);
      assert.ok(count(PUT_PART) >= 2);
      assert.equal(count(/^PUT .*partNumber=[13]/), 2);
      assert.deepEqual(await direct.download(bucket, "a"), LARGE);
    }
  }, PARTS);
});

testS3("an upload whose part fails for good is given up, and nothing of it stays", async (url) => {
  await withProxiedS3(url, async ({ storage, direct, proxy, bucket, count }) => {
    await direct.upload(bucket, "a", "old");
    proxy.on(PUT_PART, answer(500, INTERNAL));
    const upload = storage.upload(bucket, "a", streamOf(LARGE));
    await assert.rejects(upload, { code: "unavailable", outcome: "not-applied" });
    await storage.close();
    assert.equal(count(PUT_PART), 3);
    assert.equal(count(ABORT), 1);
    assert.equal(await unfinished(url, bucket), 0);
    assert.equal(await text(direct, bucket), "old");
  }, PARTS);
});

testS3(
  "bytes that change on the way up are refused by the server, and never an object",
  async (url) => {
    await withProxiedS3(url, async ({ storage, direct, proxy, bucket, count }) => {
      proxy.on(/^PUT/, corruptRequest(2), { times: 1 });
      await storage.upload(bucket, "a", "text");
      assert.equal(await text(direct, bucket), "text");
      proxy.on(/^PUT/, corruptRequest(2));
      proxy.requests.length = 0;
      await assert.rejects(storage.upload(bucket, "a", "other"), (error) => {
        assert.ok(error instanceof IntegrityError, String(error));
        assert.equal(error.outcome, "not-applied");
        return true;
      });
      assert.equal(count(/^PUT/), 3);
      assert.equal(await text(direct, bucket), "text");
    });
  },
);

testS3("a conditional write whose answer is lost is told as what it was", async (url) => {
  await withProxiedS3(url, async ({ storage, direct, proxy, bucket }) => {
    for (const body of ["mine", LARGE]) {
      const write = body === LARGE ? COMPLETE : /^PUT .*\/a$/;
      proxy.on(write, swallowReply(), { times: 1 });
      const { etag } = await storage.upload(bucket, "a", body, { createOnly: true });
      assert.equal((await direct.getMetadata(bucket, "a")).etag, etag);
      proxy.on(write, swallowReply(), { times: 1 });
      const again = await storage.upload(bucket, "a", body, { ifMatch: etag });
      assert.equal((await direct.getMetadata(bucket, "a")).etag, again.etag);
      assert.deepEqual((await direct.getMetadata(bucket, "a")).metadata, {});
      proxy.on(write, swallowReply(), { times: 1 });
      const taken = storage.upload(bucket, "a", body, { createOnly: true });
      await assert.rejects(taken, { code: "already_exists", outcome: "not-applied" });
      await direct.delete(bucket, "a");
      proxy.heal();
    }
  }, PARTS);
});

testS3(
  "an upload that the server completes with an error, or without a word, is looked at",
  async (url) => {
    await withProxiedS3(url, async ({ storage, direct, proxy, bucket, count }) => {
      for (const fault of [forwardThenAnswer(200, INTERNAL), swallowReply()]) {
        proxy.on(COMPLETE, fault, { times: 1 });
        const { etag } = await storage.upload(bucket, "a", LARGE);
        assert.equal((await direct.getMetadata(bucket, "a")).etag, etag);
        await direct.delete(bucket, "a");
      }
      proxy.heal();
      proxy.on(COMPLETE, answer(200, INTERNAL));
      const never = storage.upload(bucket, "a", LARGE);
      await assert.rejects(never, { code: "unavailable", outcome: "unknown" });
      assert.equal(await direct.exists(bucket, "a"), false);
      await storage.close();
      assert.equal(count(ABORT), 1);
    }, PARTS);
  },
);

testS3(
  "a server that ignores conditions is found out before it overwrites anything",
  async (url) => {
    const { secretAccessKey } = s3Access(url);
    const strip = compose(
      changeRequestHeaders({ "if-none-match": undefined, "if-match": undefined }),
      signAgain(secretAccessKey),
    );
    await withProxiedS3(url, async ({ storage, direct, proxy, bucket }) => {
      await direct.upload(bucket, "a", "old");
      const { etag } = await direct.getMetadata(bucket, "a");
      proxy.on(/^(PUT|POST)/, strip);
      for (const body of ["new", LARGE]) {
        const create = storage.upload(bucket, "a", body, { createOnly: true });
        await assert.rejects(create, { code: "unsupported", outcome: "not-applied" });
        const replace = storage.upload(bucket, "a", body, { ifMatch: etag });
        await assert.rejects(replace, { code: "unsupported", outcome: "not-applied" });
      }
      const { createOnly, ifMatch } = storage.capabilities;
      assert.deepEqual([createOnly, ifMatch], [false, false]);
      assert.equal(await text(direct, bucket), "old");
      proxy.heal();
      await storage.probe(bucket);
      await storage.upload(bucket, "b", "new", { createOnly: true });
    }, { ...PARTS, capabilities: undefined });
  },
);

testS3("a server that ignores conditions only in parts is found out, too", async (url) => {
  const { secretAccessKey } = s3Access(url);
  const strip = changeRequestHeaders({ "if-none-match": undefined });
  await withProxiedS3(url, async ({ storage, proxy, bucket }) => {
    proxy.on(/^POST .*uploadId=/, compose(strip, signAgain(secretAccessKey)));
    const { createOnly, ifMatch } = await storage.probe(bucket);
    assert.deepEqual([createOnly, ifMatch], [false, true]);
  }, { capabilities: undefined });
});

testS3(
  "a conditional write that meets another one is repeated until it is decided",
  async (url) => {
    await withProxiedS3(url, async ({ storage, proxy, bucket, count }) => {
      const conflict = "<Error><Code>ConditionalRequestConflict</Code></Error>";
      proxy.on(/^PUT/, answer(409, conflict), { times: 2 });
      await storage.upload(bucket, "a", "text", { createOnly: true });
      assert.equal(count(/^PUT/), 3);
    });
  },
);

testS3("uploads are sent with their length, and keys arrive as they are", async (url) => {
  await withProxiedS3(url, async ({ storage, proxy, bucket }) => {
    const key = "a b/+!'()*é&=?#%2e%2e/%2F/~-_.";
    await storage.upload(bucket, key, streamOf(LARGE));
    await storage.upload(bucket, key, "");
    await storage.download(bucket, key);
    await storage.deleteBatch(bucket, [key, "b"]);
    const path = `/${bucket}/a%20b/%2B%21%27%28%29%2A%C3%A9%26%3D%3F%23%252e%252e/%252F/~-_.`;
    for (const { method, target, headers } of proxy.requests) {
      assert.equal(headerValue(headers, "transfer-encoding"), undefined, target);
      if (method === "PUT") assert.match(headerValue(headers, "content-length") ?? "", /^\d+$/);
      if (!target.includes("?delete")) assert.equal(target.split("?")[0], path);
    }
  }, PARTS);
});

testS3(
  "a batch that the server refuses is deleted key by key, and each key has its own error",
  async (url) => {
    await withProxiedS3(url, async ({ storage, direct, proxy, bucket, count }) => {
      for (
        const fault of [answer(501), answer(400, "<Error><Code>MissingContentMD5</Code></Error>")]
      ) {
        for (const key of ["a", "b", "c"]) await direct.upload(bucket, key, "x");
        proxy.heal();
        proxy.requests.length = 0;
        proxy.on(/^POST .*delete/, fault);
        proxy.on(/^DELETE .*\/b$/, answer(403, "<Error><Code>AccessDenied</Code></Error>"));
        const [a, b, c] = await storage.deleteBatch(bucket, ["a", "b", "c"]);
        assert.deepEqual([a?.deleted, b?.deleted, c?.deleted], [true, false, true]);
        assert.equal(b?.deleted === false && b.error.code, "permission_denied");
        assert.equal(count(/^POST .*delete/), 1);
        assert.equal(await direct.exists(bucket, "b"), true);
        assert.equal(await direct.exists(bucket, "c"), false);
      }
      const some =
        "<DeleteResult><Error><Key>b</Key><Code>InternalError</Code></Error></DeleteResult>";
      proxy.heal();
      proxy.on(/^POST .*delete/, answer(200, some));
      const results = await storage.deleteBatch(bucket, ["x", "b"]);
      assert.deepEqual(results.map(({ deleted }) => deleted), [true, true]);
      assert.equal(await direct.exists(bucket, "b"), false);
    });
  },
);

function streamOf(bytes: Uint8Array): ReadableStream<Uint8Array> {
  return new Blob([bytes as BlobPart]).stream();
}

async function text(storage: S3StorageProvider, bucket: string): Promise<string> {
  return new TextDecoder().decode(await storage.download(bucket, "a"));
}

/** How many uploads in parts the server still keeps. */
async function unfinished(url: string, bucket: string): Promise<number> {
  return await withS3(url, async (client) => {
    const { ListMultipartUploadsCommand } = await import("@aws-sdk/client-s3");
    const { Uploads } = await client.send(new ListMultipartUploadsCommand({ Bucket: bucket }));
    return Uploads?.length ?? 0;
  });
}
