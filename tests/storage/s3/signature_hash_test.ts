import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import fc from "fast-check";
import {
  RuntimeSignatureHash,
  WebSignatureHash,
} from "../../../storage/adapters/s3/signature_hash.ts";

const KINDS = { RuntimeSignatureHash, WebSignatureHash };

for (const [name, Hash] of Object.entries(KINDS)) {
  const digest = async (
    secret: string | Uint8Array | undefined,
    ...parts: (string | Uint8Array)[]
  ): Promise<string> => {
    const hash = new Hash(secret);
    for (const part of parts) hash.update(part);
    return Buffer.from(await hash.digest()).toString("hex");
  };

  test(`${name}: without a secret it is the SHA-256 of FIPS 180-4's example`, async () => {
    const expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert.equal(await digest(undefined, "abc"), expected);
    assert.equal(await digest(undefined, "a", new Uint8Array([98]), "c"), expected);
  });

  test(`${name}: with a secret it is the HMAC of RFC 4231's example, for a text and for bytes`, async () => {
    const expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
    const data = ["what do ya want ", "for nothing?"];
    assert.equal(await digest("Jefe", ...data), expected);
    const secret = new TextEncoder().encode("Jefe");
    // The second time it is known.
    for (let i = 0; i < 2; i++) assert.equal(await digest(secret, ...data), expected);
  });

  test(`${name}: is not used twice`, () => {
    assert.throws(() => new Hash().reset(), /Cannot reset a hash/);
  });
}

test("both kinds of hashes are the same for all secrets and data", async () => {
  const secrets = fc.oneof(fc.uint8Array({ minLength: 1 }), fc.string({ minLength: 1 }));
  await fc.assert(fc.asyncProperty(secrets, fc.string(), async (secret, data) => {
    const [one, other] = Object.values(KINDS).map((Hash) => {
      const hash = new Hash(secret);
      hash.update(data);
      return hash.digest();
    });
    assert.deepEqual(new Uint8Array(await one!), new Uint8Array(await other!));
  }));
});
