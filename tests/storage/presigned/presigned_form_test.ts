import assert from "node:assert/strict";
import { test } from "node:test";
import { readForm } from "../../../storage/presigned/presigned_form.ts";
import { streamOf } from "../../conformance/storage/case.ts";

const SIGNED = {
  method: "POST",
  bucket: "bucket",
  key: "key",
  contentType: "image/png",
  minBytes: 2,
  maxBytes: 100_000,
} as const;
const TYPE = ["Content-Type", "image/png"] as const;

type Field = readonly [name: string, value: string | Blob];

function formOf(fields: readonly Field[]): FormData {
  const form = new FormData();
  for (const [name, value] of fields) {
    if (value instanceof Blob) form.append(name, value, "a.html");
    else form.append(name, value);
  }
  return form;
}

function send(body: BodyInit, headers: HeadersInit = {}): Promise<Blob> {
  const init = { method: "POST", body, headers, duplex: "half" };
  return readForm(new Request("http://127.0.0.1/", init), SIGNED);
}

test("the file of a form is read, whatever its part says about it", async () => {
  const text = "é\r\n--boundary\r\n\0".repeat(100);
  const file = await send(formOf([TYPE, ["file", new Blob([text], { type: "text/html" })]]));
  assert.equal(await file.text(), text);
});

test("a form with other fields than it was made with is refused", async () => {
  const file = ["file", new Blob(["1234"])] as const;
  const forms: [string, Field[], number][] = [
    ["no type", [file], 403],
    ["another type", [["Content-Type", "text/html"], file], 403],
    ["two types", [TYPE, TYPE, file], 403],
    ["another key", [TYPE, ["key", "other"], file], 403],
    ["another field", [["Content-Typo", "image/png"], file], 403],
    ["two files", [TYPE, file, file], 403],
    ["type as a file", [["Content-Type", new Blob(["image/png"])], file], 403],
    ["no file", [TYPE], 400],
    ["nothing", [], 400],
    ["file as text", [TYPE, ["file", "1234"]], 400],
    ["file first", [file, TYPE], 400],
    ["file of another name", [TYPE, ["File", file[1]]], 400],
  ];
  for (const [what, fields, status] of forms) {
    await assert.rejects(send(formOf(fields)), { status }, what);
  }
});

test("a file that is too small or too large is refused", async () => {
  for (const size of [0, 1, 100_001, 110_000]) {
    const form = formOf([TYPE, ["file", new Blob(["a".repeat(size)])]]);
    await assert.rejects(send(form), { status: 400 }, `${size}`);
  }
  for (const size of [2, 100_000]) {
    const file = await send(formOf([TYPE, ["file", new Blob(["a".repeat(size)])]]));
    assert.equal(file.size, size);
  }
});

test("a form that says that it is too large is refused unread", async () => {
  let isCancelled = false;
  const body = streamOf([], { stuck: true, onCancel: () => void (isCancelled = true) });
  const headers = { "content-length": "116385", "content-type": "multipart/form-data; boundary=x" };
  await assert.rejects(send(body, headers), { status: 413 });
  assert.equal(isCancelled, false);
});

test("of a form that is too large no more is read than the file may have, and a little", async () => {
  let readBytes = 0;
  let isCancelled = false;
  const body = new ReadableStream({
    pull(controller): void {
      readBytes += 1_000;
      controller.enqueue(new Uint8Array(1_000));
      if (readBytes === 1_000_000) controller.close();
    },
    cancel: () => void (isCancelled = true),
  });
  const headers = { "content-type": "multipart/form-data; boundary=x" };
  await assert.rejects(send(body, headers), { status: 413 });
  assert.ok(readBytes < 130_000, `${readBytes}`);
  assert.ok(isCancelled);
});

test("what is no form is refused", async () => {
  const multipart = "multipart/form-data";
  const bodies: [string, string][] = [
    ["", ""],
    ["text", "text/plain"],
    ["text", "no type"],
    ["Content-Type=image%2Fpng&file=1234", "application/x-www-form-urlencoded"],
    ["", multipart],
    ["--x\r\n", multipart],
    ["text", `${multipart}; boundary=x`],
    ['--x\r\nContent-Disposition: form-data; name="file"\r\n\r\n12', `${multipart}; boundary=x`],
  ];
  for (const [text, type] of bodies) {
    const headers = type === "" ? undefined : { "content-type": type };
    await assert.rejects(send(new TextEncoder().encode(text), headers), { status: 400 }, text);
  }
  const failing = streamOf(["--x\r\n"], { failure: new Error() });
  const headers = { "content-type": `${multipart}; boundary=x` };
  await assert.rejects(send(failing, headers), { status: 400 });
  await assert.rejects(readForm(new Request("http://127.0.0.1/", { method: "POST" }), SIGNED), {
    status: 400,
  });
});
