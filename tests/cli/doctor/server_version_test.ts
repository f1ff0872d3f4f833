import assert from "node:assert/strict";
import { test } from "node:test";
import { isAtLeast } from "../../../cli/doctor/server_version.ts";

test("versions are compared number by number, whatever stands behind them", () => {
  const later = [["15", "15"], ["15.3 (Debian 15.3-1)", "15"], ["18beta1", "15"], ["3.10", "3.9"]];
  const earlier = [["14.9", "15"], ["2.8.4", "2.9"], ["3.9.27-rc.1", "3.10"], ["unknown", "1"]];
  for (const [found = "", minimum = ""] of later) {
    assert.equal(isAtLeast(found, minimum), true, found);
  }
  for (const [found = "", minimum = ""] of earlier) {
    assert.equal(isAtLeast(found, minimum), false, found);
  }
});
