import assert from "node:assert/strict";
import crypto from "node:crypto";
import http from "node:http";
import { test } from "node:test";
import { assumedNodeModule, nodeModule } from "../../core/node_module.ts";

// What happens where there are none is in tests/edge/plain_test.ts.
test("a module of Node is the one that an import gives", () => {
  assert.equal(nodeModule("node:crypto")?.createHash, crypto.createHash);
  assert.equal(assumedNodeModule("node:http").request, http.request);
});
