import type { CliIo } from "./io.ts";

/** What text can look like. */
export type Style = "good" | "warning" | "bad" | "faint";

/** Gives text a style, or leaves it alone. */
export type Paint = (style: Style, text: string) => string;

/** The codes of ECMA-48 (Select Graphic Rendition) that begin a style and end it. */
const CODES: Readonly<Record<Style, readonly [begin: number, end: number]>> = {
  good: [32, 39],
  warning: [33, 39],
  bad: [31, 39],
  faint: [2, 22],
};

/** How results are painted: on a terminal, unless `NO_COLOR` is set (no-color.org). */
export function paintFor({ stdout, environment }: Pick<CliIo, "stdout" | "environment">): Paint {
  if (!stdout.isTerminal || environment["NO_COLOR"]) return (_, text) => text;
  return (style, text) => {
    const [begin, end] = CODES[style];
    return `\u001b[${begin}m${text}\u001b[${end}m`;
  };
}

/** One JSON document, for machines: indented, and with a line end. */
export function jsonDocument(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

/** Text of somebody else as a terminal may have it: what could control it is shown as an escape. */
export function printable(text: string): string {
  // deno-lint-ignore no-control-regex
  return text.replaceAll(/[\0-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g, (one) => {
    return `\\u${one.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}
