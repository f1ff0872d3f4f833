import { Buffer } from "node:buffer";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { CaseResult } from "../../domain/submission.ts";
import { arrayLiteral } from "../array_literal.ts";
import { CopyRows } from "../copy_rows.ts";
import type { Transaction } from "../transaction.ts";
import { addResults, type ResultArrays } from "./submission_statements.ts";

/** What one statement adds at most; it bounds the memory, and a string cannot grow for ever. */
const MAX_PART_RESULTS = 5_000;
const MAX_PART_LENGTH = 8_000_000;

/** Up to here one statement is faster than a transaction of several. */
const MAX_SINGLE_RESULTS = 2_500;

/** How many go in the first of several: the server starts while the others are written. */
const FIRST_RESULTS = 500;

/** Consecutive results: the index of the first, and the one after the last. */
export interface ResultPart {
  /** The index of the first. */
  readonly from: number;
  /** The index after the last. */
  readonly to: number;
}

/** What goes in each statement; one empty part without results. */
export function resultParts(results: readonly CaseResult[]): [ResultPart, ...ResultPart[]] {
  const single = partFrom(results, 0, MAX_SINGLE_RESULTS);
  if (single.to === results.length) return [single];
  const parts: [ResultPart, ...ResultPart[]] = [partFrom(results, 0, FIRST_RESULTS)];
  for (let from = parts[0].to; from < results.length; from = parts.at(-1)!.to) {
    parts.push(partFrom(results, from, MAX_PART_RESULTS));
  }
  return parts;
}

function partFrom(results: readonly CaseResult[], from: number, maxResults: number): ResultPart {
  const end = Math.min(from + maxResults, results.length);
  let to = from;
  let length = 0;
  while (to < end && length < MAX_PART_LENGTH) length += results[to++]?.output?.length ?? 0;
  return { from, to };
}

/** The arrays for one statement. */
export function resultArrays(results: readonly CaseResult[], part: ResultPart): ResultArrays {
  const chunk = results.slice(part.from, part.to);
  return {
    offset: part.from,
    caseNames: arrayLiteral(chunk.map(({ caseName }) => caseName)),
    passed: arrayLiteral(chunk.map(({ passed }) => passed)),
    scores: arrayLiteral(chunk.map(({ score }) => score)),
    durations: arrayLiteral(chunk.map(({ durationMs }) => durationMs)),
    outputs: arrayLiteral(chunk.map(({ output }) => output)),
  };
}

/** In the order in which {@linkcode resultRows} writes them. */
const COLUMNS = [
  "submission_id",
  "position",
  "case_name",
  "passed",
  "score",
  "duration_ms",
  "output",
] as const;

const COPY_RESULTS = `copy submission_results (${COLUMNS.join()}) from stdin (format binary)`;

/**
 * Gives back what adds one part to a submission: a copy where the client can, which leaves the server
 * nothing to parse, an insert elsewhere. It is written after a turn of the event loop: a statement
 * that was just started goes out first, and the server works on it meanwhile.
 */
export async function prepareResults(
  transaction: Transaction,
  submissionId: string,
  results: readonly CaseResult[],
  part: ResultPart,
): Promise<() => Promise<unknown>> {
  await nextTurn();
  if (!transaction.copies) {
    const input = { ...resultArrays(results, part), submissionId };
    return () => transaction.run(addResults, input);
  }
  const rows = resultRows(submissionId, results, part);
  return () => transaction.copyFrom(COPY_RESULTS, rows, addResults.name);
}

function resultRows(
  submissionId: string,
  results: readonly CaseResult[],
  { from, to }: ResultPart,
): Uint8Array {
  const id = Buffer.from(submissionId.replaceAll("-", ""), "hex");
  const rows = new CopyRows();
  for (let index = from; index < to; index++) {
    const { caseName, passed, score, durationMs, output } = results[index] as CaseResult;
    rows.row(COLUMNS.length);
    rows.uuid(id);
    rows.int4(index + 1);
    rows.text(caseName);
    rows.bool(passed);
    rows.float8(score);
    rows.float8(durationMs);
    rows.text(output);
  }
  return rows.end();
}
