import assert from "node:assert/strict";
import type { NewBenchmark, NewBenchmarkVersion, TestCase } from "../../../domain/benchmark.ts";
import { newId } from "../../../domain/ids.ts";
import { INJECTIONS, UNSTORABLE } from "../hostile_text.ts";
import { type BenchmarkFixture, type BenchmarkTest, manyTestCases, version } from "./fixture.ts";

const PROTO: unknown = JSON.parse('{"deep":[{"__proto__":{"admin":true}}]}');

function nested(levels: number): unknown {
  let value: unknown = 0;
  for (let i = 0; i < levels; i++) value = [value];
  return value;
}

function withCase(change: Record<string, unknown>): Partial<NewBenchmark> {
  const [first, second] = manyTestCases(2);
  return { version: version("1.0.0", { testCases: [first!, { ...second!, ...change }] }) };
}

function withVersion(change: Record<string, unknown>): Partial<NewBenchmark> {
  return { version: version("1.0.0", change as Partial<NewBenchmarkVersion>) };
}

const REFUSED: readonly [field: string, change: Record<string, unknown>][] = [
  ["benchmark.slug", { slug: "Not A Slug" }],
  ["benchmark.name", { name: "" }],
  ["benchmark.category", { category: "speed" }],
  ["benchmark.tags[0]", { tags: ["a".repeat(51)] }],
  ["benchmark.createdBy", { createdBy: "somebody" }],
  ["benchmark.version.version", withVersion({ version: "1.0" })],
  ["benchmark.version.execution.deep[0]", withVersion({ execution: PROTO })],
  ["benchmark.version.execution.seed", withVersion({ execution: { seed: NaN } })],
  ["benchmark.version.datasets", withVersion({ datasets: "a" })],
  ["benchmark.version.testCases[1].name", withCase({ name: "case 0" })],
  ["benchmark.version.testCases[1].input", withCase({ input: undefined })],
  ["benchmark.version.testCases[1].input", withCase({ input: new Map() })],
  ["benchmark.version.testCases[1].input.deep[0]", withCase({ input: PROTO })],
  [`benchmark.version.testCases[1].input${"[0]".repeat(3)}…`, withCase({ input: nested(10_000) })],
  ["benchmark.version.testCases[1].input", withCase({ input: "a".repeat(1_000_000) })],
  ["benchmark.version.testCases[1].expected.score", withCase({ expected: { score: Infinity } })],
  ["benchmark.version.testCases[1].weight", withCase({ weight: -1 })],
];

/** What is refused before it reaches the database, and what is stored as it is. */
export function testInput(test: BenchmarkTest): void {
  test("bad input is refused with the name of its field, and nothing is left", async (fixture) => {
    const { slug } = fixture.draft();
    for (const [field, change] of REFUSED) {
      await assert.rejects(
        fixture.create({ slug, ...change }),
        { name: "ValidationError", code: "invalid_input", field },
        field,
      );
    }
    assert.equal(await fixture.benchmarks.slugExists(slug), false);
  });

  test("the refusal of a second test case of a name says which is the first", async ({ create }) => {
    await assert.rejects(create(withCase({ name: "case 0" })), {
      message: "Cannot use benchmark.version.testCases[1].name: " +
        "it must be unique in the version, and is the name of benchmark.version.testCases[0]",
    });
  });

  test("the longest input of a test case is stored", async ({ benchmarks, create }) => {
    const input = "a".repeat(999_998);
    const { latestVersion } = await create(withCase({ input }));
    const { items } = await benchmarks.getTestCases(latestVersion.id);
    assert.equal(items[1]?.input, input);
  });

  test("text that no store keeps is refused wherever it stands", async (fixture) => {
    for (const text of UNSTORABLE) {
      for (const [field, change] of textFields(text)) {
        await assert.rejects(fixture.create(change), { code: "invalid_input", field }, field);
      }
    }
  });

  test("hostile text is stored as it is", async (fixture) => {
    const { benchmarks } = fixture;
    for (const text of INJECTIONS) {
      const tags = [text.slice(0, 50)];
      const testCase: TestCase = {
        name: text,
        input: { [text]: text },
        expected: text,
        evaluationMethod: text,
        weight: 1,
        tags,
      };
      const created = await fixture.create({
        name: text,
        description: text,
        license: text,
        citation: text,
        tags,
        version: version("1.0.0", {
          changelog: text,
          execution: { [text]: [text] },
          testCases: [testCase],
        }),
      });
      const { name, description, license, citation } = created;
      assert.deepEqual([name, description, license, citation], Array(4).fill(text));
      assert.deepEqual(created.tags, tags);
      const found = await benchmarks.getVersionById(created.latestVersion.id);
      assert.deepEqual([found?.changelog, found?.execution], [text, { [text]: [text] }]);
      const { items } = await benchmarks.getTestCases(created.latestVersion.id);
      assert.deepEqual(items, [testCase]);
    }
  });

  test("what cannot be an id, a slug or a version is refused by every method", async (fixture) => {
    for (const text of [...INJECTIONS, ...UNSTORABLE, "", "A", "../etc"]) {
      for (const [field, call] of Object.entries(calls(fixture, text))) {
        await assert.rejects(call(), { name: "ValidationError", field }, `${field} ${text}`);
      }
    }
  });
}

function textFields(text: string): [field: string, change: Partial<NewBenchmark>][] {
  return [
    ["benchmark.name", { name: text }],
    ["benchmark.description", { description: text }],
    ["benchmark.citation", { citation: text }],
    ["benchmark.tags[1]", { tags: ["a", text] }],
    ["benchmark.version.changelog", withVersion({ changelog: text })],
    ["benchmark.version.execution.a", withVersion({ execution: { a: text } })],
    ["benchmark.version.execution key", withVersion({ execution: { [text]: 1 } })],
    ["benchmark.version.testCases[1].name", withCase({ name: text })],
    ["benchmark.version.testCases[1].input", withCase({ input: text })],
    ["benchmark.version.testCases[1].tags[0]", withCase({ tags: [text] })],
  ];
}

function calls(
  { benchmarks, userId }: BenchmarkFixture,
  text: string,
): Record<string, () => Promise<unknown>> {
  const id = newId();
  const publication = { ...version("1.0.0"), createdBy: userId };
  return {
    "id": () => benchmarks.getById(text),
    "slug": () => benchmarks.getBySlug(text),
    "benchmarkId": () => benchmarks.publishVersion(text, publication),
    "versionId": () => benchmarks.getTestCases(text),
    "version": () => benchmarks.getVersion(id, text),
    "status": () => benchmarks.updateStatus(id, text as "active"),
    "filter.category": () => benchmarks.getByCategory(text as "accuracy"),
    "changes.category": () => benchmarks.update(id, { category: text as "accuracy" }),
  };
}
