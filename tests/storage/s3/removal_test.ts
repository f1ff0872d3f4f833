import assert from "node:assert/strict";
import { withStorage } from "../../support/s3_storage.ts";
import { findService, serviceTest } from "../../support/services.ts";

const testS3 = serviceTest(await findService("s3"));

testS3(
  "a batch is a request for each 250 keys, and a key that is repeated is deleted once",
  async (url) => {
    const requests: string[] = [];
    const counting = (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
      requests.push(`${init?.method} ${new URL(String(input)).search}`);
      return fetch(input, init);
    };
    await withStorage(url, async (storage, bucket) => {
      const kept = ["a&b", "<c>", 'd"e', "f'g", "h\u2028i", "ü/😀"];
      await Promise.all(kept.map((key) => storage.upload(bucket, key, "x")));
      const keys = [...kept, ...Array.from({ length: 600 }, (_, i) => `none/${i}`), ...kept];
      requests.length = 0;
      const results = await storage.deleteBatch(bucket, keys);
      assert.deepEqual(results, keys.map((key) => ({ key, deleted: true })));
      assert.deepEqual(requests, Array(3).fill("POST ?delete="));
      assert.deepEqual((await storage.listObjects(bucket)).items, []);
    }, { fetch: counting });
  },
);
