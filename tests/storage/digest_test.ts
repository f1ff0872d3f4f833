import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { sha256Hex, startSha256 } from "../../storage/digest.ts";

test("sha256Hex() gives the digests of FIPS 180-4's examples", () => {
  const abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
  assert.equal(sha256Hex("abc"), abc);
  assert.equal(sha256Hex(new TextEncoder().encode("abc")), abc);
  const empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
  assert.equal(sha256Hex(""), empty);
});

test("startSha256() gives the same digest however the bytes are cut", () => {
  fc.assert(fc.property(fc.array(fc.uint8Array({ maxLength: 9 })), (parts) => {
    const hash = startSha256();
    for (const part of parts) hash.update(part);
    assert.equal(hash.hex(), sha256Hex(Uint8Array.from(parts.flatMap((part) => [...part]))));
  }));
});
