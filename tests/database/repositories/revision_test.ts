import assert from "node:assert/strict";
import { test } from "node:test";
import { checkRevision, requireUpdated } from "../../../database/repositories/revision.ts";

const UPDATE = { resource: "benchmark", operation: "update benchmark", expectedRevision: 3 };

test("the updated row is returned, and nothing is asked", async () => {
  const currentRevision = () => Promise.reject(new Error("asked"));
  assert.equal(await requireUpdated(["row"], { ...UPDATE, currentRevision }), "row");
});

test("without a row, it is missing or was changed, and then both revisions are said", async () => {
  await assert.rejects(
    requireUpdated([], { ...UPDATE, currentRevision: () => Promise.resolve(undefined) }),
    { code: "not_found", resource: "benchmark" },
  );
  await assert.rejects(
    requireUpdated([], { ...UPDATE, currentRevision: () => Promise.resolve(5) }),
    { code: "conflict", message: /expected revision 3, current revision 5/ },
  );
});

test("what came into sight after an update that expected no revision can be updated again", async () => {
  const update = { ...UPDATE, expectedRevision: undefined };
  await assert.rejects(
    requireUpdated([], { ...update, currentRevision: () => Promise.resolve(1) }),
    { code: "conflict", retryable: true, message: /changed meanwhile, current revision 1$/ },
  );
});

test("a revision that can be none is refused before anything is sent", () => {
  assert.equal(checkRevision({}), null);
  assert.equal(checkRevision({ expectedRevision: 1 }), 1);
  for (const expectedRevision of [0, -1, 1.5, NaN, 2 ** 31, "1" as unknown as number]) {
    assert.throws(() => checkRevision({ expectedRevision }), { field: "expectedRevision" });
  }
});
