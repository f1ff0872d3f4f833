import assert from "node:assert/strict";
import { examine } from "../../support/examined.ts";
import { freePort } from "../../support/free_port.ts";
import { test } from "../../support/permitted.ts";
import { dropBuckets, s3Variables, testBucket, withS3 } from "../../support/s3.ts";
import { findService, serviceTest } from "../../support/services.ts";

const s3Test = serviceTest(await findService("s3"), test);
const SECRET = "s3cr3t-of-s3";
const KEYS = { AWS_ACCESS_KEY_ID: "exchange", AWS_SECRET_ACCESS_KEY: SECRET };

s3Test("a server is well, and with --bucket it is told what it does", async (url) => {
  const environment = s3Variables(url);
  const { code, names } = await examine(environment, {
    secret: environment["AWS_SECRET_ACCESS_KEY"]!,
  });
  const expected = ["ok reachable", "ok credentials", "ok latency", "ok clock"];
  assert.deepEqual([code, names], [0, expected]);
  const bucket = testBucket();
  const { CreateBucketCommand } = await import("@aws-sdk/client-s3");
  await withS3(url, (client) => client.send(new CreateBucketCommand({ Bucket: bucket })));
  try {
    const probed = await examine(environment, { args: ["--bucket", bucket] });
    assert.equal(probed.code, 0, probed.text);
    assert.ok(probed.names.includes("ok bucket"));
    assert.ok(probed.names.includes("ok ranges"));
  } finally {
    await dropBuckets(url, bucket);
  }
});

s3Test("a wrong secret and a bucket that does not exist are told", async (url) => {
  const environment = { ...s3Variables(url), AWS_SECRET_ACCESS_KEY: SECRET };
  const wrong = await examine(environment, { secret: SECRET });
  assert.deepEqual([wrong.code, wrong.names], [1, ["ok reachable", "failed credentials"]]);
  const args = ["--bucket", testBucket()];
  const missing = await examine(s3Variables(url), { args });
  assert.equal(missing.code, 1);
  assert.ok(missing.names.includes("failed bucket"));
});

test("a closed port, and variables that cannot be, are told", async () => {
  const endpoint = `http://127.0.0.1:${await freePort()}`;
  const closed = await examine({ S3_ENDPOINT: endpoint, ...KEYS }, { secret: SECRET });
  assert.deepEqual(closed.names, ["failed reachable"]);
  const withPassword = { S3_ENDPOINT: `http://user:${SECRET}@h`, ...KEYS };
  const malformed = await examine(withPassword, { secret: SECRET });
  assert.deepEqual(malformed.names, ["failed configuration"]);
  const { findings } = await examine({ S3_ENDPOINT: endpoint });
  assert.match(findings.get("failed configuration")!.found, /AWS_ACCESS_KEY_ID is not set/);
});
