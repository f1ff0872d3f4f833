import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeUrlPart, MALFORMED, parseUrl } from "../../core/url_text.ts";

test("what is no URL is undefined, and no error that shows it", () => {
  assert.equal(parseUrl("redis://host:7000/1")?.port, "7000");
  for (const text of ["", "redis://user:s3cr3t@host:port", undefined, 5]) {
    assert.equal(parseUrl(text), undefined);
  }
});

test("a part of a URL is decoded, or malformed", () => {
  assert.equal(decodeUrlPart("p%40ss%C3%A9"), "p@ssé");
  for (const text of ["%", "100%25%", "%E9"]) assert.equal(decodeUrlPart(text), MALFORMED);
});
