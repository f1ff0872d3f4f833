import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { BUSYBOX, BUSYBOX_FOLDER, shell } from "./busybox.ts";
import type { DebianContainer } from "./debian_container.ts";
import { freePort } from "./free_port.ts";
import { type S3Gateway, startGateway } from "./s3_gateway.ts";
import { privateServerTest } from "./services.ts";

const test = privateServerTest("s3");

test("a gateway answers when it is started, also again after it was killed", async () => {
  await withFileServer(async (gateway) => {
    assert.equal(await read(gateway), "found");
    await assert.rejects(gateway.start(), /Cannot start the S3 server: it is running/);
    await gateway.kill();
    await assert.rejects(read(gateway));
    await assert.rejects(gateway.kill(), /Cannot reach the S3 server: it is stopped/);
    await gateway.start();
    assert.equal(await read(gateway), "found");
  });
});

test("a gateway that is paused accepts connections and does not answer; resumed, it does", async () => {
  await withFileServer(async (gateway) => {
    await gateway.pause();
    const answer = read(gateway);
    const silence = new Promise((resolve) => setTimeout(() => resolve("silent"), 200));
    assert.equal(await Promise.race([answer, silence]), "silent");
    await gateway.resume();
    assert.equal(await answer, "found");
  });
});

test("a gateway is killed while it is paused", async () => {
  await withFileServer(async (gateway) => {
    await gateway.pause();
    await gateway.kill();
    await gateway.start();
    assert.equal(await read(gateway), "found");
  });
});

test("a gateway that is disposed answers no more", async () => {
  const gateway = await startFileServer();
  await gateway[Symbol.asyncDispose]();
  await assert.rejects(read(gateway));
  await assert.rejects(gateway.start(), /Cannot start the S3 server: it ended/);
});

test("a gateway is not started before all that it needs answers", async () => {
  const port = await freePort();
  const gateway = await startFileServer(async (container) => {
    await container.start(...shell(`sleep 0.5; exec ${fileServer(port).join(" ")}`));
    return [`http://127.0.0.1:${port}/file`];
  });
  try {
    assert.equal(await (await fetch(`http://127.0.0.1:${port}/file`)).text(), "found");
  } finally {
    await gateway[Symbol.asyncDispose]();
  }
});

test("a gateway that ends before it answers is an error with what it said", async () => {
  const healthUrls = [`http://127.0.0.1:${await freePort()}`];
  const command = shell("echo the reason; exit 3");
  const options = { command, url: "http://127.0.0.1", healthUrls };
  await assert.rejects(
    startGateway(BUSYBOX, BUSYBOX_FOLDER, () => Promise.resolve(options)),
    /Cannot start the S3 server: it ended\n[^]*the reason/,
  );
});

/** A gateway that knows only one file, which is all that its start and its end need. */
function startFileServer(
  prepare: (container: DebianContainer) => Promise<string[]> = () => Promise.resolve([]),
): Promise<S3Gateway> {
  return startGateway(BUSYBOX, BUSYBOX_FOLDER, async (container) => {
    await writeFile(join(container.folder, "file"), "found");
    const port = await freePort();
    const url = `http://127.0.0.1:${port}/file`;
    return { command: fileServer(port), url, healthUrls: [url, ...await prepare(container)] };
  });
}

function fileServer(port: number): [string, ...string[]] {
  return ["/bin/busybox", "httpd", "-f", "-p", `127.0.0.1:${port}`, "-h", BUSYBOX_FOLDER];
}

async function withFileServer(use: (gateway: S3Gateway) => Promise<void>): Promise<void> {
  const gateway = await startFileServer();
  try {
    await use(gateway);
  } finally {
    await gateway[Symbol.asyncDispose]();
  }
}

async function read({ url }: S3Gateway): Promise<string> {
  return await (await fetch(url)).text();
}
