import assert from "node:assert/strict";
import { test } from "node:test";
import { findObject } from "../../storage/find_object.ts";
import { FaultyStorage } from "../support/faulty_storage.ts";

test("an object is found, or missing, or nobody knows", async () => {
  const faulty = new FaultyStorage();
  const find = () => findObject(faulty.storage, { bucket: "bucket", key: "key" }, {});
  assert.equal(await find(), undefined);
  await faulty.intact.createBucket("bucket");
  assert.equal(await find(), undefined);
  await faulty.intact.upload("bucket", "key", "text");
  assert.equal((await find())?.size, 4);
  faulty.isAway = true;
  await assert.rejects(find(), { code: "unavailable" });
});
