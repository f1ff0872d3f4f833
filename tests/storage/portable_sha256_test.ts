import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { PortableSha256 } from "../../storage/portable_sha256.ts";

function digest(...parts: readonly Uint8Array[]): string {
  const hash = new PortableSha256();
  for (const part of parts) hash.update(part);
  return hash.hex();
}

test("the digest is that of Node, for every length around the end of a block", () => {
  for (let length = 0; length <= 200; length++) {
    const bytes = Uint8Array.from({ length }, (_, i) => i * 7);
    assert.equal(digest(bytes), createHash("sha256").update(bytes).digest("hex"), `${length}`);
  }
});

test("the digest does not depend on how the bytes are cut", () => {
  fc.assert(fc.property(fc.array(fc.uint8Array({ maxLength: 150 })), (parts) => {
    const bytes = Uint8Array.from(parts.flatMap((part) => [...part]));
    assert.equal(digest(...parts), createHash("sha256").update(bytes).digest("hex"));
  }));
});

test("the digest of a million letters is that of FIPS 180-4's examples", () => {
  const bytes = new Uint8Array(1_000_000).fill("a".charCodeAt(0));
  assert.equal(digest(bytes), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
});
