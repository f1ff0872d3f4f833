import assert from "node:assert/strict";
import { test } from "node:test";
import { quoteEtag, unquoteEtag } from "../../storage/etag.ts";

test("etags lose their quotes and get them back", () => {
  assert.equal(unquoteEtag('"d41d8cd9-2"'), "d41d8cd9-2");
  assert.equal(unquoteEtag("d41d8cd9"), "d41d8cd9");
  assert.equal(unquoteEtag(""), "");
  assert.equal(unquoteEtag('"a"b"'), 'a"b');
  assert.equal(quoteEtag("d41d8cd9-2"), '"d41d8cd9-2"');
});
