import assert from "node:assert/strict";
import { test } from "node:test";
import { z } from "zod";
import { parseInput } from "../../core/validation.ts";

const REASONS: readonly [schema: z.ZodType, value: unknown, reason: string][] = [
  [z.string(), null, "it must be a string, got null"],
  [z.string(), undefined, "it must be a string, got undefined"],
  [z.number(), Infinity, "it must be a finite number, got Infinity"],
  [z.number(), "s3cr3t", "it must be a finite number, got string"],
  [z.int(), 1.5, "it must be an integer, got 1.5"],
  [z.boolean(), 4711, "it must be a boolean, got number"],
  [z.array(z.string()), {}, "it must be an array, got object"],
  [z.object({}), ["s3cr3t"], "it must be an object, got an array"],
  [z.date(), "s3cr3t", "it must be a valid date, got string"],
  [z.string().min(3), "ab", "it must have at least 3 characters, got 2"],
  [z.string().max(3), "s3cr3t", "it must have at most 3 characters, got 6"],
  [z.array(z.string()).max(1), ["a", "b"], "it must have at most 1 items, got 2"],
  [z.number().min(0), -1, "it must be at least 0, got -1"],
  [z.number().gt(0), 0, "it must be more than 0, got 0"],
  [z.number().lt(1), 1, "it must be less than 1, got 1"],
  [z.email(), "s3cr3t", "it must be an e-mail address"],
  [z.url(), "s3cr3t", "it must be a URL"],
  [z.enum(["draft", "active"]), "s3cr3t", "it must be one of draft, active"],
  [z.strictObject({}), { more: 1 }, "it has no field more"],
  [
    z.discriminatedUnion("type", [z.object({ type: z.literal("a") })]),
    { type: "s3cr3t" },
    "it must be one of a",
  ],
  [
    z.record(z.string().max(3), z.number()),
    { latency: 1 },
    "its name is refused: it must have at most 3 characters, got 7",
  ],
  [z.string().regex(/^a/, "it must begin with an a"), "b", "it must begin with an a"],
  [z.string().refine((text) => text === "a", "it must be a"), "b", "it must be a"],
];

for (const [schema, value, reason] of REASONS) {
  test(`a value is refused: ${reason}`, () => {
    assert.throws(() => parseInput(schema, value, "field"), { reason });
  });
}
