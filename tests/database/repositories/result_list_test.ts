import assert from "node:assert/strict";
import { test } from "node:test";
import { RESULT_LIST_STATEMENTS, resultList } from "../../../database/repositories/result_list.ts";

test("the results of another submission, and all or some of them, are different lists", () => {
  const [id, other] = [
    "00000000-0000-7000-8000-000000000001",
    "00000000-0000-7000-8000-000000000002",
  ];
  const identities = [resultList(id, undefined), resultList(id, true), resultList(other, undefined)]
    .map(({ identity }) => JSON.stringify(identity));
  assert.equal(new Set(identities).size, 3);
});

test("the statement for verify has the filter and a position", () => {
  assert.match(RESULT_LIST_STATEMENTS[0]!.text, /"passed" = .*"position"\)? > /s);
});

test("whether they passed is true, false or open", () => {
  for (const passed of ["yes", 1, null]) {
    assert.throws(() => resultList("", passed as unknown as boolean), { field: "passed" });
  }
});
