import assert from "node:assert/strict";
import type { S3Client } from "@aws-sdk/client-s3";
import { readXmlWithoutDom } from "../../../storage/adapters/s3/sdk_without_dom.ts";
import { test, whenPermitted } from "../../support/permitted.ts";

// Loaded late, because what it loads reads the environment.
const sdk = await whenPermitted(() => import("@aws-sdk/client-s3"));

const ANSWER = `<?xml version="1.0" encoding="UTF-8"?>
<ListBucketResult><Name>bucket</Name><IsTruncated>true</IsTruncated><KeyCount>1</KeyCount>
<Contents><Key>a&amp;b</Key><Size>3</Size><LastModified>2026-01-02T03:04:05.000Z</LastModified>
</Contents></ListBucketResult>`;

function clientWith(answer: string): S3Client {
  return new sdk.S3Client({
    region: "us-east-1",
    credentials: { accessKeyId: "key", secretAccessKey: "secret" },
    requestHandler: {
      handle: () => {
        const body = new TextEncoder().encode(answer);
        return Promise.resolve({ response: { statusCode: 200, headers: {}, body } });
      },
    },
  });
}

test("the SDK reads the same with and without it", async () => {
  const [own, ours] = [clientWith(ANSWER), clientWith(ANSWER)];
  readXmlWithoutDom(ours);
  const [expected, page] = await Promise.all([own, ours].map((client) => {
    return client.send(new sdk.ListObjectsV2Command({ Bucket: "bucket" }));
  }));
  assert.deepEqual(page?.Contents, expected?.Contents);
  assert.deepEqual([page?.Name, page?.IsTruncated, page?.KeyCount], ["bucket", true, 1]);
});

test("an SDK that has changed is told at once", () => {
  const changed = { config: { protocol: {} } } as unknown as S3Client;
  assert.throws(() => readXmlWithoutDom(changed), /the SDK has changed/);
});
