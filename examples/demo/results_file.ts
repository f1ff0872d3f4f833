import { readFile } from "node:fs/promises";

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

/** Reads JSON lines. What is wrong with a line is reported and costs that line only. */
export async function readResultsFile(path: string | URL): Promise<ResultsFile> {
  const lines = (await readFile(path, "utf8")).split("\n");
  const rows: ResultRow[] = [];
  const refused: RefusedRow[] = [];
  const seen = new Map<string, number>();
  let source: string | undefined;
  lines.forEach((text, index) => {
    const line = index + 1;
    if (text.trim() === "") return;
    try {
      const value = parseLine(text);
      if (typeof value["source"] === "string") {
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

function parseLine(text: string): Record<string, unknown> {
  try {
    const value = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
  } catch {
    const number = /:\s*(-?(?:NaN|Infinity))\b/.exec(text);
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
