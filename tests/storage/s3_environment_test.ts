import assert from "node:assert/strict";
import { test } from "node:test";
import { readS3Environment, s3Problems } from "../../storage/s3_environment.ts";

const KEYS = { AWS_ACCESS_KEY_ID: "key", AWS_SECRET_ACCESS_KEY: "s3cr3t" };

test("readS3Environment() takes what Amazon's tools take, and an endpoint", () => {
  assert.deepEqual(readS3Environment(KEYS), {
    endpoint: undefined,
    region: undefined,
    credentials: { accessKeyId: "key", secretAccessKey: "s3cr3t", sessionToken: undefined },
  });
  const environment = {
    ...KEYS,
    S3_ENDPOINT: "http://127.0.0.1:8333",
    AWS_REGION: "eu-west-1",
    AWS_SESSION_TOKEN: "session",
  };
  const { endpoint, region, credentials } = readS3Environment(environment);
  assert.deepEqual([endpoint, region], ["http://127.0.0.1:8333", "eu-west-1"]);
  assert.equal(credentials.sessionToken, "session");
});

test("readS3Environment() lists every problem at once, and no value", () => {
  const environment = {
    S3_ENDPOINT: "http://s3cr3t@127.0.0.1",
    AWS_REGION: "s3cr3t region",
    AWS_SECRET_ACCESS_KEY: "s3cr3t\n",
  };
  assert.throws(() => readS3Environment(environment), {
    name: "ConfigurationError",
    message: "Cannot read the environment: " +
      "S3_ENDPOINT is not a URL such as http://host:port or https://host:port; " +
      "AWS_REGION is not a region such as us-east-1; " +
      "AWS_ACCESS_KEY_ID is not set; " +
      "AWS_SECRET_ACCESS_KEY is not printable ASCII without spaces",
  });
});

test("s3Problems() refuses an endpoint that is more than a server", () => {
  const bad = ["s3cr3t", "redis://host", "http:", "http://a/b", "http://a?b", "http://a#b", "//a"];
  for (const S3_ENDPOINT of bad) {
    assert.equal(s3Problems({ ...KEYS, S3_ENDPOINT }).length, 1, S3_ENDPOINT);
  }
  for (const S3_ENDPOINT of ["http://a", "https://a.b:1/", "http://[::1]:8333", ""]) {
    assert.deepEqual(s3Problems({ ...KEYS, S3_ENDPOINT }), []);
  }
});
