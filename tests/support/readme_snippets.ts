/** A program in a document. */
export interface Snippet {
  /** The last heading before it, and which one below it, such as `Storage, 2`. */
  readonly name: string;
  readonly text: string;
  /** What its comments say that it prints: those that stand directly below a `console.log`. */
  readonly prints: readonly string[];
}

/** Finds the TypeScript programs in a document. */
export function readSnippets(markdown: string): Snippet[] {
  const counts = new Map<string, number>();
  let heading = "";
  const snippets: Snippet[] = [];
  for (const [, title, text] of markdown.matchAll(/^#+ (.+)$|^```ts\n([^]*?)^```$/gm)) {
    if (title !== undefined) heading = title;
    if (text === undefined) continue;
    const count = (counts.get(heading) ?? 0) + 1;
    counts.set(heading, count);
    snippets.push({ name: `${heading}, ${count}`, text, prints: printedLines(text) });
  }
  return snippets;
}

function printedLines(text: string): string[] {
  const comments = [...text.matchAll(/console\.log\(.*\n((?:\/\/ .*\n)+)/g)];
  return comments.flatMap(([, lines = ""]) => lines.trimEnd().split("\n"))
    .map((line) => line.slice("// ".length));
}
