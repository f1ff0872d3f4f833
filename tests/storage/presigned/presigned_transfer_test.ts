import assert from "node:assert/strict";
import { once } from "node:events";
import { readlinkSync } from "node:fs";
import { mkdtemp, readdir, realpath, rm, stat } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FileSystemStorageProvider } from "../../../storage/adapters/filesystem.ts";
import { downloadText } from "../../conformance/storage/case.ts";
import { ODD_KEYS } from "../../conformance/storage/keys.ts";
import { FetchServer } from "../../support/fetch_server.ts";
import { after, describe, test, whenPermitted } from "../../support/permitted.ts";
import { until } from "../../support/until.ts";

const root = await whenPermitted(
  async () => await realpath(await mkdtemp(join(tmpdir(), "storage-"))),
  "skipped",
);
after(() => rm(root, { recursive: true }));
const server = await FetchServer.start((request) => storage.handlePresigned(request));
after(() => server[Symbol.asyncDispose]());
const presign = { baseUrl: `${server.url}some/files`, secret: crypto.randomUUID() };
const storage = new FileSystemStorageProvider({ root, presign });
await whenPermitted(() => storage.createBucket("bucket"));

const uploads = join(root, ".uploads");
const MEGABYTE = new Uint8Array(1_000_000);

/** Sends a request with the rest of its head. */
async function begin(method: string, url: string, rest: string): Promise<Socket> {
  const { hostname, port, pathname, search } = new URL(url);
  const socket = connect(Number(port), hostname);
  await once(socket, "connect");
  socket.write(`${method} ${pathname}${search} HTTP/1.1\r\nHost: ${hostname}\r\n${rest}`);
  return socket;
}

async function sizeOfUploads(): Promise<number> {
  const names = await readdir(uploads);
  const sizes = await Promise.all(
    names.map(async (name) => (await stat(join(uploads, name))).size),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** Waits until so many files of the storage are open. Deno can close a file a moment after it says so. */
async function untilOpen(count: number): Promise<void> {
  await until(`${count} files are open`, async () => {
    const names = await readdir("/proc/self/fd");
    return names.filter((name) => linkTarget(name).startsWith(root)).length === count;
  });
}

function linkTarget(name: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${name}`);
  } catch {
    return ""; // It was the descriptor that read the directory.
  }
}

test("every key travels through URLs and forms unchanged", async () => {
  await Promise.all(ODD_KEYS.map(async (key) => {
    const text = `content of ${key}`;
    const put = await storage.getPresignedUrl("bucket", key, { method: "PUT" });
    const body = new TextEncoder().encode(text);
    assert.equal((await fetch(put, { method: "PUT", body })).status, 200, key);
    assert.equal(await downloadText(storage, "bucket", key), text);
    const get = await storage.getPresignedUrl("bucket", key);
    assert.equal(await (await fetch(get)).text(), text);
    const { url, fields } = await storage.getPresignedPost("bucket", key, { maxBytes: 10 });
    const form = new FormData();
    for (const [name, value] of Object.entries(fields)) form.set(name, value);
    form.set("file", new Blob(["form"]));
    assert.equal((await fetch(url, { method: "POST", body: form })).status, 204, key);
    assert.equal(await downloadText(storage, "bucket", key), "form");
  }));
});

const FRAMINGS = {
  "of a known length": "Content-Length: 2000000\r\n\r\n",
  "in chunks": "Transfer-Encoding: chunked\r\n\r\n1e8480\r\n",
};
for (const [framing, head] of Object.entries(FRAMINGS)) {
  test(`a PUT ${framing} is written as it comes, and leaves nothing when it breaks`, async () => {
    const url = await storage.getPresignedUrl("bucket", "broken", { method: "PUT" });
    const socket = await begin("PUT", url, head);
    socket.write(MEGABYTE);
    await until("half of it is on the disk", async () => await sizeOfUploads() === 1_000_000);
    socket.destroy();
    await until("nothing is left", async () => (await readdir(uploads)).length === 0);
    assert.equal(await storage.exists("bucket", "broken"), false);
  });
}

describe("files", { skip: !(await hasProc()) }, () => {
  test("a caller who leaves in the middle of a GET leaves no file open", async () => {
    await storage.upload("bucket", "large", new Blob(Array.from({ length: 30 }, () => MEGABYTE)));
    const url = await storage.getPresignedUrl("bucket", "large");
    const socket = await begin("GET", url, "\r\n");
    await once(socket, "data");
    socket.pause();
    await untilOpen(1);
    socket.destroy();
    await untilOpen(0);
  });

  test("no answer leaves a file open", async () => {
    await storage.upload("bucket", "a", "0123456789");
    const url = await storage.getPresignedUrl("bucket", "a");
    const { etag } = await storage.getMetadata("bucket", "a");
    const requests: [number, Record<string, string>][] = [
      [206, { range: "bytes=1-2" }],
      [304, { "if-none-match": `"${etag}"` }],
      [412, { "if-match": '"other"' }],
      [416, { range: "bytes=10-" }],
    ];
    for (const [status, headers] of requests) {
      const response = await storage.handlePresigned(new Request(url, { headers }));
      assert.equal(response.status, status);
      await response.body?.cancel();
      await untilOpen(0);
    }
  });
});

async function hasProc(): Promise<boolean> {
  return await stat("/proc/self/fd").then(() => true, () => false);
}
