import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { StoragePath } from "../../storage/storage_path.ts";

test("StoragePath gives exactly the strings of the seed", () => {
  assert.equal(
    StoragePath.benchmarkDataset("bench1", "1.0.0", "data.json"),
    "benchmarks/bench1/1.0.0/data.json",
  );
  assert.equal(
    StoragePath.submissionResults("sub123", "results.json"),
    "submissions/sub123/results.json",
  );
  assert.equal(StoragePath.userAvatar("user456", "avatar.png"), "avatars/user456/avatar.png");
  assert.equal(
    StoragePath.verificationArtifacts("ver789", "log.txt"),
    "verifications/ver789/log.txt",
  );
});

test("StoragePath refuses parts that break out of their place, and names them", () => {
  const bad = [
    "",
    ".",
    "..",
    "/",
    "a/b",
    "../a",
    "a/",
    "/a",
    "a\\b",
    "..\\a",
    "a\0b",
    "a\nb",
    "\ud800",
  ];
  for (const part of [...bad, "a".repeat(1_025), undefined as unknown as string]) {
    const refused = (field: string): { field: string } => ({ field });
    assert.throws(() => StoragePath.benchmarkDataset(part, "1", "f"), refused("benchmarkId"));
    assert.throws(() => StoragePath.benchmarkDataset("b", part, "f"), refused("version"));
    assert.throws(() => StoragePath.benchmarkDataset("b", "1", part), refused("fileName"));
    assert.throws(() => StoragePath.submissionResults(part, "f"), refused("submissionId"));
    assert.throws(() => StoragePath.submissionResults("s", part), refused("fileName"));
    assert.throws(() => StoragePath.userAvatar(part, "f"), refused("userId"));
    assert.throws(() => StoragePath.verificationArtifacts(part, "f"), refused("verificationId"));
  }
});

test("StoragePath refuses a path that is too long as a whole", () => {
  const part = "a".repeat(400);
  assert.throws(() => StoragePath.benchmarkDataset(part, part, part), { field: "key" });
});

test("different parts never give the same path", () => {
  const part = fc.string({ unit: fc.constantFrom("a", ".", "-", "é", "%"), maxLength: 3 });
  fc.assert(fc.property(part, part, part, part, (a, b, c, d) => {
    const build = (id: string, file: string): string | undefined => {
      try {
        return StoragePath.submissionResults(id, file);
      } catch {
        return undefined;
      }
    };
    const first = build(a, b);
    if (first !== undefined && first === build(c, d)) assert.deepEqual([a, b], [c, d]);
  }));
});
