import assert from "node:assert/strict";
import { test } from "node:test";
import { isEdge, refuseEdge, refuseEdgeConnections } from "../../core/edge.ts";

// What happens at the edge is in tests/edge/refused_test.ts.
test("Deno, Node and Bun are not the edge, and nothing is refused there", () => {
  assert.equal(isEdge(), false);
  refuseEdge("a file system", "there are no files", "use another");
  refuseEdgeConnections("Redis", "use another");
});
