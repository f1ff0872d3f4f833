import assert from "node:assert/strict";
import type { Buffer } from "node:buffer";
import { test } from "node:test";
import { changeRequestHeaders, compose, type Fault } from "./http_faults.ts";
import { headerValue } from "./http_messages.ts";
import { signAgain } from "./s3_signature.ts";

const EMPTY_DIGEST = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

const fault = signAgain("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY");

/** Examples of https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html. */
const EXAMPLES: readonly (readonly [target: string, range: string | undefined, string])[] = [
  ["/test.txt", "bytes=0-9", "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"],
  ["/?lifecycle", undefined, "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"],
  [
    ...["/?prefix=J&max-keys=2", undefined] as const,
    "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
  ],
];

for (const [target, range, signature] of EXAMPLES) {
  test(`GET ${target} gets the signature of the specification`, async () => {
    assert.equal(await authorize(fault, target, range), authorization(range, signature));
  });
}

test("what is signed is what the headers are by then", async () => {
  const removed = compose(changeRequestHeaders({ range: undefined }), fault);
  const changed = compose(changeRequestHeaders({ range: "bytes=0-9" }), fault);
  const [target, range, signature] = EXAMPLES[0]!;
  assert.equal(await authorize(changed, target, "bytes=5-6"), authorization(range, signature));
  const without = await authorize(fault, target, undefined);
  assert.equal(await authorize(removed, target, range), without);
  assert.notEqual(without, authorization(undefined, signature));
});

function authorization(range: string | undefined, signature: string): string {
  return "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request," +
    `SignedHeaders=host;${range ? "range;" : ""}x-amz-content-sha256;x-amz-date,` +
    `Signature=${signature}`;
}

/** The `Authorization` that a request of the examples has after the fault. */
async function authorize(
  fault: Fault,
  target: string,
  range: string | undefined,
): Promise<string | undefined> {
  const request = {
    ...{ method: "GET", target, body: nothing(), signal: new AbortController().signal },
    headers: [
      ["Host", "examplebucket.s3.amazonaws.com"],
      ["Authorization", authorization(range, "0")],
      ...range ? [["Range", range] as const] : [],
      ["x-amz-content-sha256", EMPTY_DIGEST],
      ["x-amz-date", "20130524T000000Z"],
    ] as const,
  };
  const { headers } = await fault(
    request,
    ({ headers }) => Promise.resolve({ status: 200, reason: "OK", headers, body: nothing() }),
  );
  return headerValue(headers, "authorization");
}

async function* nothing(): AsyncGenerator<Buffer> {}
