import assert from "node:assert/strict";
import { test } from "node:test";
import { isKeyPart, isRegion, readServerUrl } from "../../storage/s3_rules.ts";

test("isRegion() takes lower-case letters, digits and hyphens", () => {
  for (const region of ["us-east-1", "default", "a".repeat(63)]) assert.ok(isRegion(region));
  for (const region of ["", "US", "a b", "a\n", "é", "a".repeat(64)]) assert.ok(!isRegion(region));
});

test("isKeyPart() takes printable ASCII without spaces", () => {
  for (const part of ["!", "~", "a/+=", "x".repeat(8_192)]) assert.ok(isKeyPart(part));
  for (const part of ["", " ", "a b", "a\n", "é", "x".repeat(8_193)]) assert.ok(!isKeyPart(part));
});

test("readServerUrl() takes a server and nothing behind it, and never shows the text", () => {
  for (
    const text of ["http://a", "https://a.b:1/", "http://[::1]:8333", "http://a/?", "http://a/#"]
  ) {
    const url = readServerUrl(text);
    assert.ok(url instanceof URL, text);
    assert.equal(url.href, new URL(new URL(text).origin).href);
  }
  const bad = [
    "",
    "s3cr3t",
    "redis://s3cr3t",
    "http:",
    "http://s3cr3t@a",
    "http://a:s3cr3t@b",
    "http://a/s3cr3t",
    "http://a?s3cr3t",
    "http://a#s3cr3t",
  ];
  for (const text of bad) {
    const flaw = readServerUrl(text);
    assert.ok(typeof flaw === "string" && !flaw.includes("s3cr3t"), text);
  }
});
