import process from "node:process";
import type { Row } from "./compare.ts";

/** A demand on the ratio of one contender to another. */
export interface Goal {
  readonly text: string;
  readonly value: number;
  readonly met: boolean;
}

/** Prints a table of contenders. */
export function printRows(title: string, rows: readonly Row[]): void {
  const lines = rows.map(({ name, msPerCall, speedRatio, range: [low, high] }) =>
    `  ${name.padEnd(44)} ${msPerCall.toFixed(3).padStart(9)} ms  x${speedRatio.toFixed(2)} ` +
    `(${low.toFixed(2)}..${high.toFixed(2)})`
  );
  process.stdout.write(`\n${title}\n${lines.join("\n")}\n`);
}

/** Prints whether goals are met. */
export function printGoals(goals: readonly Goal[]): void {
  for (const { text, value, met } of goals) {
    process.stdout.write(`  ${met ? "met   " : "MISSED"} ${text}: ${value.toFixed(2)}\n`);
  }
}

/** The goal that the speed of one contender relative to another is at least `least`. */
export function fasterBy(rows: readonly Row[], name: string, other: string, least: number): Goal {
  const value = ratio(rows, name, other);
  return { text: `${name} >= ${least} x ${other}`, value, met: value >= least };
}

/** The goal that the time of one contender relative to another is at most `most`. */
export function slowerBy(rows: readonly Row[], name: string, other: string, most: number): Goal {
  const value = 1 / ratio(rows, name, other);
  return { text: `time of ${name} <= ${most} x ${other}`, value, met: value <= most };
}

function ratio(rows: readonly Row[], name: string, other: string): number {
  const find = (wanted: string): number =>
    rows.find((row) => row.name === wanted)?.speedRatio ?? NaN;
  return find(name) / find(other);
}
