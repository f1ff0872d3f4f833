import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import { ValidationError } from "../../../core/errors.ts";
import { type S3Credentials, usableCredentials } from "../../../storage/adapters/s3/credentials.ts";
import { ManualClock } from "../../conformance/manual_clock.ts";

const KEY: S3Credentials = { accessKeyId: "AKIA", secretAccessKey: "secret" };

/** Asks for keys that are numbered and live for `lifeMs`, if that is given. */
function asking(clock: ManualClock, lifeMs?: number): () => Promise<string> {
  let asked = 0;
  const get = usableCredentials(() => ({
    ...KEY,
    accessKeyId: `key${++asked}`,
    ...(lifeMs === undefined ? {} : { expiration: new Date(clock.now() + lifeMs) }),
  }), clock);
  return async () => (await get()).accessKeyId;
}

test("values are used as they were, whatever becomes of the object", async () => {
  const values = { ...KEY, sessionToken: "token", forgotten: 1 };
  const get = usableCredentials(values, new ManualClock());
  values.accessKeyId = "changed";
  assert.deepEqual(await get(), { ...KEY, sessionToken: "token" });
  assert.deepEqual(await usableCredentials(KEY, new ManualClock())(), KEY);
});

test("a function is asked when credentials are needed, and may give them later", async () => {
  let asked = 0;
  const get = usableCredentials(() => {
    asked++;
    return Promise.resolve(KEY);
  }, new ManualClock());
  assert.equal(asked, 0);
  assert.deepEqual(await get(), KEY);
  assert.equal(asked, 1);
});

test("a key without an end is asked for each time", async () => {
  const get = asking(new ManualClock());
  assert.deepEqual([await get(), await get()], ["key1", "key2"]);
});

test("all who need a key at the same time share one question", async () => {
  const get = asking(new ManualClock());
  assert.deepEqual(await Promise.all([get(), get(), get()]), ["key1", "key1", "key1"]);
});

test("a key is used until a minute before its end", async () => {
  const clock = new ManualClock();
  const get = asking(clock, 3_600_000);
  assert.equal(await get(), "key1");
  clock.advance(3_539_999);
  assert.equal(await get(), "key1");
  clock.advance(1);
  assert.deepEqual(await Promise.all([get(), get()]), ["key2", "key2"]);
  clock.advance(3_539_999);
  assert.equal(await get(), "key2");
});

test("a key that ends within a minute is used by those who asked for it", async () => {
  const get = asking(new ManualClock(), 59_000);
  assert.deepEqual(await Promise.all([get(), get()]), ["key1", "key1"]);
  assert.equal(await get(), "key2");
});

test("a failure reaches all who wait, and is not kept", async () => {
  const failure = new Error("no metadata service");
  let asked = 0;
  const get = usableCredentials(() => {
    if (++asked === 1) throw failure;
    return KEY;
  }, new ManualClock());
  const results = await Promise.allSettled([get(), get()]);
  for (const result of results) {
    assert.equal(result.status === "rejected" && result.reason, failure);
  }
  assert.deepEqual(await get(), KEY);
  assert.equal(asked, 2);
});

test("bad credentials are refused by name and never shown", async () => {
  const canary = "c4n4ry";
  const bad: readonly [string, unknown][] = [
    ["credentials", undefined],
    ["credentials", null],
    ["credentials", canary],
    ["credentials.accessKeyId", {}],
    ["credentials.accessKeyId", { ...KEY, accessKeyId: "" }],
    ["credentials.accessKeyId", { ...KEY, accessKeyId: `${canary}\n` }],
    ["credentials.accessKeyId", { ...KEY, accessKeyId: 5 }],
    ["credentials.secretAccessKey", { accessKeyId: "a" }],
    ["credentials.secretAccessKey", { ...KEY, secretAccessKey: `${canary} ` }],
    ["credentials.secretAccessKey", { ...KEY, secretAccessKey: `${canary}é` }],
    ["credentials.secretAccessKey", { ...KEY, secretAccessKey: canary.repeat(2_000) }],
    ["credentials.sessionToken", { ...KEY, sessionToken: "" }],
    ["credentials.sessionToken", { ...KEY, sessionToken: null }],
    ["credentials.sessionToken", { ...KEY, sessionToken: `${canary}\r\nx: y` }],
    ["credentials.expiration", { ...KEY, expiration: canary }],
    ["credentials.expiration", { ...KEY, expiration: new Date(NaN) }],
  ];
  for (const [field, value] of bad) {
    const refused = (error: unknown): boolean => {
      assert.ok(error instanceof ValidationError);
      assert.equal(error.field, field);
      assert.ok(!inspect(error).includes(canary), field);
      return true;
    };
    const credentials = value as S3Credentials;
    assert.throws(() => usableCredentials(credentials, new ManualClock()), refused);
    await assert.rejects(usableCredentials(() => credentials, new ManualClock())(), refused);
  }
});
