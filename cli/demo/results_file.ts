import type { Buffer } from "node:buffer";
import { readFile } from "node:fs/promises";
import { CommandError } from "../command_error.ts";

/** One result, as the file has it. */
export interface ResultRow {
  /** The line in the file, from 1. */
  readonly line: number;
  readonly provider: string;
  readonly model: string;
  readonly benchmark: string;
  /** `null`: there is no result. */
  readonly score: number | null;
}

/** A line that was not imported. */
export interface RefusedRow {
  /** The line in the file, from 1. */
  readonly line: number;
  readonly reason: string;
}

/** What a file holds. */
export interface ResultsFile {
  /** Where the facts are from, if the file says so. */
  readonly source: string | undefined;
  readonly rows: readonly ResultRow[];
  readonly refused: readonly RefusedRow[];
}

/**
 * Reads JSON lines. What is wrong with a line is reported and costs that line only. A line that has
 * `source` and no `model` says where the facts are from.
 */
export async function readResultsFile(path: string): Promise<ResultsFile> {
  const lines = splitLines(await readBytes(path));
  const rows: ResultRow[] = [];
  const refused: RefusedRow[] = [];
  const seen = new Map<string, number>();
  let source: string | undefined;
  lines.forEach((bytes, index) => {
    const line = index + 1;
    try {
      const text = decodeLine(bytes);
      if (text.trim() === "") return;
      const value = parseLine(text);
      if (typeof value["source"] === "string" && !("model" in value)) {
        source = value["source"];
        return;
      }
      const row = { line, ...checkRow(value) };
      const key = JSON.stringify([row.provider, row.model, row.benchmark]);
      const first = seen.get(key);
      if (first !== undefined) throw new Error(`the same model and benchmark as line ${first}`);
      seen.set(key, line);
      rows.push(row);
    } catch (error) {
      refused.push({ line, reason: (error as Error).message });
    }
  });
  return { source, rows, refused };
}

async function readBytes(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    // A directory's error does not name it.
    throw new CommandError(`Cannot read ${path}: ${(error as Error).message}`);
  }
}

function splitLines(bytes: Buffer): Buffer[] {
  const lines: Buffer[] = [];
  let start = 0;
  for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, start)) {
    lines.push(bytes.subarray(start, end));
    start = end + 1;
  }
  return [...lines, bytes.subarray(start)];
}

/** Leaves out a byte order mark, and refuses what would become replacement characters. */
function decodeLine(bytes: Buffer): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new Error("it is not UTF-8");
  }
}

function parseLine(text: string): Record<string, unknown> {
  try {
    const value = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
  } catch {
    const number = /"score"\s*:\s*(-?(?:NaN|Infinity))\b/.exec(text);
    if (number) throw new Error(`score is ${number[1]}, not a finite number`);
  }
  throw new Error("it is not a JSON object");
}

function checkRow(value: Record<string, unknown>): Omit<ResultRow, "line"> {
  const { provider, model, benchmark, score } = value;
  if (typeof provider !== "string") {
    throw new Error(`provider must be a string, got ${typeof provider}`);
  }
  if (typeof model !== "string") throw new Error(`model must be a string, got ${typeof model}`);
  if (typeof benchmark !== "string") {
    throw new Error(`benchmark must be a string, got ${typeof benchmark}`);
  }
  if (score !== null && typeof score !== "number") {
    throw new Error(`score must be a number or null, got ${typeof score}`);
  }
  return { provider, model, benchmark, score };
}
