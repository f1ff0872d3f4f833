import assert from "node:assert/strict";
import { request } from "node:http";
import { S3StorageProvider } from "../../../storage/adapters/s3.ts";
import { lazily } from "../../support/lazily.ts";
import { after, test as plainTest } from "../../support/permitted.ts";
import { S3_HOST, startS3 } from "../../support/private_s3.ts";
import { s3Config } from "../../support/s3_storage.ts";
import { privateServerTest } from "../../support/services.ts";

const test = privateServerTest("s3");
const server = lazily(startS3);
after(async () => await (await server())[Symbol.asyncDispose]());

/** Sends to the server what is meant for its name, which nothing resolves. */
function send(
  method: string,
  target: string,
  body = "",
): Promise<[status?: number, text?: string]> {
  const { host, port, pathname, search } = new URL(target);
  return new Promise((resolve, reject) => {
    const options = { host: "127.0.0.1", port, method, path: pathname + search, headers: { host } };
    const sent = request(options, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk) => text += chunk);
      response.on("end", () => resolve([response.statusCode, text]));
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

test("the server takes URLs with the bucket in the host name, with odd keys, too", async () => {
  const { endpoint, ...config } = s3Config((await server()).url);
  const { port } = new URL(endpoint!);
  const publicEndpoint = `http://${S3_HOST}:${port}`;
  const addressing = "virtual-host";
  const storage = new S3StorageProvider({ ...config, endpoint, publicEndpoint, addressing });
  await storage.createBucket("by-host");
  for (const key of ["a.json", "dir/b c+d&e=f.json", "ключ/100%/(x)!'*.json"]) {
    const put = await storage.getPresignedUrl("by-host", key, { method: "PUT" });
    assert.equal(new URL(put).hostname, `by-host.${S3_HOST}`);
    assert.equal((await send("PUT", put, "text"))[0], 200);
    const get = await storage.getPresignedUrl("by-host", key);
    assert.deepEqual(await send("GET", get), [200, "text"]);
    assert.equal(new TextDecoder().decode(await storage.download("by-host", key)), "text");
  }
  await storage.close();
});

test("a server takes a bucket in whatever region it is said to be in", async () => {
  for (const region of ["us-east-1", "eu-west-1", "auto"]) {
    const storage = new S3StorageProvider({ ...s3Config((await server()).url), region });
    const bucket = `in-${region}`;
    await storage.createBucket(bucket);
    await storage.createBucket(bucket);
    await storage.upload(bucket, "a", "text");
    assert.equal(new TextDecoder().decode(await storage.download(bucket, "a")), "text");
    const url = await storage.getPresignedUrl(bucket, "a");
    assert.equal(await (await fetch(url)).text(), "text");
    await storage.close();
  }
});

plainTest("Amazon is told the region of a new bucket, but for its first one", async () => {
  const ask = async (region: string, endpoint?: string): Promise<[host: string, body: string]> => {
    const seen: [string, string][] = [];
    const storage = new S3StorageProvider({
      region,
      ...(endpoint && { endpoint }),
      credentials: { accessKeyId: "key", secretAccessKey: "secret" },
      fetch: async (input, init) => {
        const sent = new Request(input, init);
        seen.push([new URL(sent.url).hostname, await sent.text()]);
        return new Response();
      },
    });
    await storage.createBucket("my-bucket");
    await storage.close();
    return seen[0]!;
  };
  const [host, body] = await ask("eu-west-1");
  assert.equal(host, "my-bucket.s3.eu-west-1.amazonaws.com");
  assert.match(body, /<LocationConstraint>eu-west-1<\/LocationConstraint>/);
  assert.deepEqual(await ask("us-east-1"), ["my-bucket.s3.us-east-1.amazonaws.com", ""]);
  const dualStack = await ask("eu-west-1", "https://s3.dualstack.eu-west-1.amazonaws.com");
  assert.equal(dualStack[0], "my-bucket.s3.dualstack.eu-west-1.amazonaws.com");
  assert.match(dualStack[1], /LocationConstraint/);
  assert.deepEqual(await ask("eu-west-1", "https://storage.example.org"), [
    "storage.example.org",
    "",
  ]);
});
