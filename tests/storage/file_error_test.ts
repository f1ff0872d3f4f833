import assert from "node:assert/strict";
import { test } from "node:test";
import { fileError, hasCode } from "../../storage/adapters/filesystem/file_error.ts";
import { StorageCall } from "../../storage/call.ts";

function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: it failed, open '/root/s3cr3t'`), { code });
}

test("fileError() maps the numbers of the system, and shows no path", () => {
  const codes = {
    EACCES: "permission_denied",
    EROFS: "permission_denied",
    ENOSPC: "resource_exhausted",
    EDQUOT: "resource_exhausted",
    EMFILE: "overloaded",
    EIO: "unavailable",
    EWHATEVER: "internal",
  };
  for (const [number, code] of Object.entries(codes)) {
    const error = fileError(systemError(number), new StorageCall("upload"));
    assert.equal(error.code, code);
    assert.equal(error.retryable, code === "overloaded" || code === "unavailable");
    assert.match(error.message, new RegExp(`^Cannot upload the object: .*\\(${number}\\)$`));
    assert.equal(error.cause, undefined);
    assert.ok(!`${error.stack}`.includes("s3cr3t"));
  }
});

test("fileError() says whether the call can have had an effect", () => {
  const call = new StorageCall("upload");
  assert.equal(fileError(systemError("EIO"), call).outcome, "not-applied");
  call.commit();
  assert.equal(fileError(systemError("EIO"), call).outcome, "unknown");
});

test("hasCode() compares the code of an error", () => {
  assert.ok(hasCode(systemError("ENOENT"), "EEXIST", "ENOENT"));
  assert.ok(!hasCode(systemError("ENOENT"), "EEXIST"));
  assert.ok(!hasCode(undefined, "ENOENT"));
  assert.ok(!hasCode(new Error("ENOENT"), "ENOENT"));
});
