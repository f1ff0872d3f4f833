import assert from "node:assert/strict";
import { IntegrityError } from "../../core/errors.ts";
import { readDataset } from "../../storage/datasets.ts";
import type { StorageProvider } from "../../storage/storage.ts";
import {
  downloadVerified,
  downloadVerifiedStream,
  uploadVerified,
} from "../../storage/verified.ts";
import {
  changeReplyHeaders,
  changeRequestHeaders,
  compose,
  corruptReply,
  limitData,
  resetPeer,
  shortenReply,
  timeout,
} from "../support/http_faults.ts";
import { headerValue } from "../support/http_messages.ts";
import { withProxiedS3 } from "../support/proxied_s3.ts";
import { s3Access } from "../support/s3.ts";
import { signAgain } from "../support/s3_signature.ts";
import { findService, serviceTest } from "../support/services.ts";
import { until } from "../support/until.ts";

const testS3 = serviceTest(await findService("s3"));

const SIZE = 1_000_000;
const BYTES = Uint8Array.from({ length: SIZE }, (_, i) => (i * 31 + (i >> 8)) & 255);
const GET = /^GET .*\/a$/;

// A reset also takes what has arrived and was not read yet, which can be everything.
const CUTS = [
  { name: "reset", cut: resetPeer, rest: /^bytes=\d+-999999$/ },
  { name: "ended", cut: limitData, rest: /^bytes=[1-9]\d+-999999$/ },
];
for (const { name, cut, rest } of CUTS) {
  testS3(
    `a download whose connection is ${name} goes on where it was, of the same version`,
    async (url) => {
      await withProxiedS3(url, async ({ storage, proxy, bucket, count }) => {
        const { etag } = await storage.upload(bucket, "a", BYTES);
        proxy.on(GET, cut(300_001), { times: 2 });
        assert.deepEqual(await storage.download(bucket, "a"), BYTES);
        assert.equal(count(GET), 3);
        const [, second, third] = proxy.requests.filter(({ method }) => method === "GET");
        for (const request of [second!, third!]) {
          assert.match(headerValue(request.headers, "range") ?? "", rest);
          assert.equal(headerValue(request.headers, "if-match"), `"${etag}"`);
        }
        proxy.requests.length = 0;
        proxy.on(GET, cut(1_000), { times: 1 });
        const range = { offset: 500, length: 10_000 };
        assert.deepEqual(await storage.download(bucket, "a", { range }), BYTES.slice(500, 10_500));
        assert.equal(count(GET), 2);
      });
    },
  );
}

testS3(
  "a download that stalls is taken up again, and so is one that stalls for ever",
  async (url) => {
    await withProxiedS3(url, async ({ storage, proxy, bucket, count }) => {
      await storage.upload(bucket, "a", BYTES);
      proxy.on(GET, timeout(200_000), { times: 2 });
      assert.deepEqual(await storage.download(bucket, "a"), BYTES);
      assert.equal(count(GET), 3);
    }, { idleTimeoutMs: 200 });
  },
);

testS3(
  "an object that is shorter than its server says is an IntegrityError, not a short one",
  async (url) => {
    await withProxiedS3(url, async ({ storage, proxy, bucket, count }) => {
      await storage.upload(bucket, "a", BYTES);
      proxy.on(GET, (request, forward) => {
        const isRest = headerValue(request.headers, "range") !== undefined;
        return limitData(isRest ? 0 : SIZE - 10)(request, forward);
      });
      await assert.rejects(storage.download(bucket, "a"), isIntegrityError);
      assert.equal(count(GET), 3);
      const { body } = await storage.downloadStream(bucket, "a");
      await assert.rejects(new Response(body).arrayBuffer(), isIntegrityError);
    });
  },
);

testS3(
  "an object that is replaced while a download is broken ends it, and mixes nothing",
  async (url) => {
    await withProxiedS3(url, async ({ storage, direct, proxy, bucket }) => {
      await storage.upload(bucket, "a", BYTES);
      proxy.on(GET, limitData(300_000), { times: 1 });
      const { body } = await storage.downloadStream(bucket, "a");
      await direct.upload(bucket, "a", BYTES.toReversed());
      await assert.rejects(new Response(body).arrayBuffer(), { code: "conflict" });
    });
  },
);

testS3("a server that goes on with another version all the same is found out", async (url) => {
  await withProxiedS3(url, async ({ storage, proxy, bucket }) => {
    await storage.upload(bucket, "a", BYTES);
    proxy.on(GET, (request, forward) => {
      const isRest = headerValue(request.headers, "range") !== undefined;
      const fault = isRest ? changeReplyHeaders({ etag: '"other"' }) : limitData(300_000);
      return fault(request, forward);
    });
    await assert.rejects(storage.download(bucket, "a"), isIntegrityError);
  });
});

testS3(
  "changed and missing bytes are found by the SHA-256, also where lengths are right",
  async (url) => {
    await withProxiedS3(url, async ({ storage, proxy, bucket }) => {
      const { sha256 } = await uploadVerified(storage, bucket, "a", BYTES);
      const dataset = { name: "a", bucket, key: "a", sha256, size: SIZE };
      for (const fault of [corruptReply(0), corruptReply(SIZE - 1), shortenReply(1)]) {
        proxy.heal();
        proxy.on(GET, fault);
        await assert.rejects(downloadVerified(storage, bucket, "a"), isIntegrityError);
        await assert.rejects(readDataset(storage, dataset), isIntegrityError);
        const { body } = await downloadVerifiedStream(storage, bucket, "a");
        await assert.rejects(new Response(body).arrayBuffer(), isIntegrityError);
      }
      proxy.heal();
      assert.deepEqual(await readDataset(storage, dataset), BYTES);
    });
  },
);

testS3("a server that ignores a range is found out", async (url) => {
  await withProxiedS3(url, async ({ storage, proxy, bucket }) => {
    await storage.upload(bucket, "a", BYTES);
    const strip = changeRequestHeaders({ range: undefined });
    proxy.on(GET, compose(strip, signAgain(s3Access(url).secretAccessKey)));
    const ranged = storage.download(bucket, "a", { range: { offset: 5, length: 5 } });
    await assert.rejects(ranged, { code: "unsupported" });
  });
});

testS3(
  "bodies that nobody reads give their connections back, and go on when somebody does",
  async (url) => {
    await withProxiedS3(url, async ({ storage, proxy, bucket }) => {
      // More than the buffers of all sockets on the way can hold.
      const large = new Uint8Array(12_000_000).fill(7);
      await storage.upload(bucket, "a", large);
      const opened = await Promise.all(Array.from({ length: 30 }, () => open(storage, bucket)));
      await until("connections are given back", () => proxy.connectionCount <= 4);
      for (const { body } of opened.slice(0, 3)) {
        const bytes = new Uint8Array(await new Response(body).arrayBuffer());
        assert.ok(bytes.length === large.length && bytes.every((byte) => byte === 7));
      }
      await Promise.all(opened.slice(3).map(({ body }) => body.cancel()));
    }, { idleTimeoutMs: 300 });
  },
);

function open(storage: StorageProvider, bucket: string) {
  return storage.downloadStream(bucket, "a");
}

function isIntegrityError(error: unknown): boolean {
  assert.ok(error instanceof IntegrityError, String(error));
  return true;
}
