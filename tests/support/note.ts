const MARK = "note: ";

/** Prints a figure that a test has found, which the runner repeats at its end, also if the test passes. */
export function note(text: string): void {
  console.log(`${MARK}${text}`);
}

/** The notes in what a runner printed, which may stand behind a prefix of its own. */
export function notesIn(output: string): string[] {
  return output.split("\n").flatMap((line) => {
    const at = line.indexOf(MARK);
    return /^[\s#ℹ]*$/.test(line.slice(0, Math.max(0, at))) && at >= 0
      ? [line.slice(at + MARK.length).trimEnd()]
      : [];
  });
}
