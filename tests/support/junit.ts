/** What a native runner reported about one test file. */
export interface FileReport {
  /** How many tests passed. */
  readonly passed: number;
  /** How many tests failed. */
  readonly failed: number;
  /** The names of the tests that were skipped, with the names of their groups. */
  readonly skipped: readonly string[];
}

interface Case {
  readonly name: string;
  outcome: "passed" | "failed" | "skipped";
}

const COMMENT = /<!--[\s\S]*?-->/g;
const TAG = /<(\/?)([a-z]+)((?:\s+[\w:-]+="[^"]*")*)\s*(\/?)>/g;
const SEPARATOR = " > ";

/**
 * Reads the JUnit XML of `deno test`, `node --test` and `bun test` about the test file `file`, so
 * that a test counts the same on each: groups do not count, their tests do.
 */
export function readJunit(xml: string, file: string): FileReport {
  const cases = readCases(xml).filter(({ name }) => name !== file);
  const names = new Set(cases.map(({ name }) => name));
  const groups = new Set([...names].flatMap(ancestors));
  const tests = cases.filter(({ name }) => !groups.has(name));
  return {
    passed: tests.filter(({ outcome }) => outcome === "passed").length,
    failed: tests.filter(({ outcome }) => outcome === "failed").length,
    skipped: tests.filter(({ outcome }) => outcome === "skipped").map(({ name }) => name),
  };
}

function readCases(xml: string): Case[] {
  const cases: Case[] = [];
  const path: string[] = [];
  for (const [, close, tag, attributes, empty] of xml.replaceAll(COMMENT, "").matchAll(TAG)) {
    if (tag === "testsuite" && close) path.pop();
    else if (tag === "testsuite" && !empty) path.push(nameOf(attributes!));
    else if (tag === "testcase" && !close) {
      const groups = path.filter((name) => !isFile(name));
      cases.push({ name: [...groups, nameOf(attributes!)].join(SEPARATOR), outcome: "passed" });
    } else if (!close && (tag === "failure" || tag === "error")) cases.at(-1)!.outcome = "failed";
    else if (!close && tag === "skipped") cases.at(-1)!.outcome = "skipped";
  }
  return cases;
}

/** Bun reports a file as a suite, and Deno the module that called `test`, which can be its own. */
function isFile(suite: string): boolean {
  return suite.endsWith(".ts");
}

/** The names of all groups around a test. */
function ancestors(name: string): string[] {
  const parts = name.split(SEPARATOR);
  return parts.slice(1).map((_, index) => parts.slice(0, index + 1).join(SEPARATOR));
}

function nameOf(attributes: string): string {
  const text = /\sname="([^"]*)"/.exec(attributes)?.[1] ?? "";
  return text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&quot;", '"')
    .replaceAll("&apos;", "'").replaceAll("&amp;", "&");
}
