import { type RawBuilder, sql } from "kysely";
import type { CallOptions } from "../../core/call_options.ts";
import { ValidationError } from "../../core/errors.ts";
import type { JsonValue } from "../../core/json.ts";
import { parseInput } from "../../core/validation.ts";
import { type NewBenchmarkVersion, type TestCase, testCaseSchema } from "../../domain/benchmark.ts";
import { arrayLiteral } from "../array_literal.ts";
import type { Database } from "../database.ts";
import type { KeysetList } from "../keyset.ts";
import { queryBuilder } from "../query_builder.ts";
import type { Schema } from "../schema.ts";
import { type RowOf, type Statement, statement, type StatementInfo } from "../statement.ts";
import { listStatements } from "./list_statement.ts";
import { encodeStored } from "./stored_json.ts";

/** What one statement inserts at most; it bounds the memory, and a string cannot grow for ever. */
const MAX_BATCH_CASES = 10_000;
const MAX_BATCH_LENGTH = 8_000_000;

/** A test case that keeps all rules, with its JSON as text. */
export interface EncodedTestCase {
  readonly name: string;
  readonly input: string;
  readonly expected: string | undefined;
  readonly evaluationMethod: string;
  readonly weight: number;
  readonly tags: readonly string[];
}

/** Some test cases of a version, in its order. */
export interface TestCaseBatch {
  /** How many come before. */
  readonly after: number;
  readonly cases: readonly EncodedTestCase[];
}

/** The parameters of an insertion: an array literal for each column. */
export interface TestCaseColumns {
  readonly after: number;
  readonly names: string;
  readonly inputs: string;
  readonly expected: string;
  readonly evaluationMethods: string;
  readonly weights: string;
  readonly tags: string;
}

const TEST_CASE_COLUMNS = {
  name: "text",
  input: "jsonb",
  has_expected: "bool",
  expected: "jsonb?",
  evaluation_method: "text",
  weight: "float8",
  tags: "text[]",
} as const;

/** A test case as the database has it. */
export type TestCaseRow = RowOf<typeof TEST_CASE_COLUMNS>;

/** Returns the test cases as they are stored; throws a {@linkcode ValidationError} that names the index. */
export function encodeTestCases(
  field: string,
  { testCases = [] }: NewBenchmarkVersion,
  operation: string,
): EncodedTestCase[] {
  const indexes = new Map<string, number>();
  return testCases.map((value, index) => {
    const path = `${field}[${index}]`;
    const { name, input, expected, evaluationMethod, weight = 1, tags = [] } = parseInput(
      testCaseSchema,
      value,
      path,
      operation,
    );
    const earlier = indexes.get(name);
    if (earlier !== undefined) {
      const reason = `it must be unique in the version, and is the name of ${field}[${earlier}]`;
      throw new ValidationError(`${path}.name`, reason, operation);
    }
    indexes.set(name, index);
    return {
      name,
      input: encodeStored(`${path}.input`, input),
      expected: expected === undefined ? undefined : encodeStored(`${path}.expected`, expected),
      evaluationMethod,
      weight,
      tags,
    };
  });
}

/** Splits test cases into what one statement can insert; without any, into one empty batch. */
export function splitTestCases(
  cases: readonly EncodedTestCase[],
): [TestCaseBatch, ...TestCaseBatch[]] {
  const batches: TestCaseBatch[] = [];
  let after = 0;
  let length = 0;
  cases.forEach(({ input, expected = "" }, index) => {
    if (index - after >= MAX_BATCH_CASES || length >= MAX_BATCH_LENGTH) {
      batches.push({ after, cases: cases.slice(after, index) });
      [after, length] = [index, 0];
    }
    length += input.length + expected.length;
  });
  batches.push({ after, cases: cases.slice(after) });
  return batches as [TestCaseBatch, ...TestCaseBatch[]];
}

/** The parameters that insert a batch. */
export function toTestCaseColumns({ after, cases }: TestCaseBatch): TestCaseColumns {
  return {
    after,
    names: arrayLiteral(cases.map(({ name }) => name)),
    inputs: arrayLiteral(cases.map(({ input }) => input)),
    expected: arrayLiteral(cases.map(({ expected }) => expected)),
    evaluationMethods: arrayLiteral(cases.map(({ evaluationMethod }) => evaluationMethod)),
    weights: arrayLiteral(cases.map(({ weight }) => weight)),
    tags: arrayLiteral(cases.map(({ tags }) => arrayLiteral(tags))),
  };
}

/** Inserts a batch for each version in the table expression `versions`, which has zero or one. */
export function insertTestCases(versions: string, p: TestCaseColumns): RawBuilder<object> {
  return sql`
    insert into test_cases
      (version_id, position, name, input, expected, evaluation_method, weight, tags)
    select version.id, ${p.after}::int4 + c.position, c.name, c.input::jsonb, c.expected::jsonb,
      c.evaluation_method, c.weight, c.tags::text[]
    from ${sql.table(versions)} as version, unnest(
      ${p.names}::text::text[], ${p.inputs}::text::text[], ${p.expected}::text::text[],
      ${p.evaluationMethods}::text::text[], ${p.weights}::text::float8[], ${p.tags}::text::text[]
    ) with ordinality as c (name, input, expected, evaluation_method, weight, tags, position)`;
}

/** Inserts a further batch. */
export const addTestCases: Statement<TestCaseColumns & { versionId: string }, object> = statement(
  "add test cases",
  {},
  (_, p: TestCaseColumns & { versionId: string }) =>
    sql<object>`
      with new_version as (select ${p.versionId}::uuid as id) ${insertTestCases("new_version", p)}`,
);

/**
 * Runs a statement that inserts a version together with the first batch and, if it returns a row,
 * adds the others. More than one batch go in a transaction.
 */
export async function insertInBatches<Parameters extends { versionId: string }, Row>(
  database: Database,
  insertFirst: Statement<Parameters & TestCaseColumns, Row>,
  parameters: Parameters,
  cases: readonly EncodedTestCase[],
  options: CallOptions,
): Promise<Row[]> {
  const [first, ...others] = splitTestCases(cases);
  const input = { ...parameters, ...toTestCaseColumns(first) };
  if (others.length === 0) return await database.run(insertFirst, input, options);
  return await database.transaction(async (transaction) => {
    const rows = await transaction.run(insertFirst, input);
    if (rows.length === 0) return rows;
    for (const batch of others) {
      const { versionId } = parameters;
      await transaction.run(addTestCases, { versionId, ...toTestCaseColumns(batch) });
    }
    return rows;
  }, { signal: options.signal, timeoutMs: options.timeoutMs });
}

/** The test cases of a version, in the order they were given. */
export function testCaseList(versionId: string): KeysetList<Schema, "test_cases", TestCaseRow> {
  return {
    operation: "list test cases",
    columns: TEST_CASE_COLUMNS,
    identity: ["test cases", versionId],
    query: queryBuilder.selectFrom("test_cases").where("version_id", "=", versionId).select([
      "name",
      "input",
      // JSON has a null of its own, which clients return like that of SQL.
      sql<boolean>`expected is not null`.as("has_expected"),
      "expected",
      "evaluation_method",
      "weight",
      "tags",
    ]),
    sort: [{ column: "test_cases.position", type: "int4" }],
    descending: false,
  };
}

/** The test case of a row. */
export function toTestCase(row: TestCaseRow): TestCase {
  return {
    name: row.name,
    input: row.input as JsonValue,
    ...(row.has_expected ? { expected: row.expected as JsonValue } : {}),
    evaluationMethod: row.evaluation_method,
    weight: row.weight,
    tags: row.tags,
  };
}

/** Every statement of this file, for `verify`. */
export const TEST_CASE_STATEMENTS: readonly StatementInfo[] = [
  addTestCases,
  ...listStatements(() => testCaseList("")),
];
