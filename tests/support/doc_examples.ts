/** What `deno doc --json` says about one declaration of a symbol. */
interface Declaration {
  readonly kind: string;
  readonly declarationKind: string;
  readonly location: { readonly filename: string };
  readonly jsDoc?: { readonly doc?: string; readonly tags?: readonly unknown[] };
}

interface Documentation {
  readonly nodes: Readonly<
    Record<string, {
      readonly symbols?: readonly {
        readonly name: string;
        readonly declarations: readonly Declaration[];
      }[];
    }>
  >;
}

/** The exported classes and functions whose comment has no example, one line for each, from the output of `deno doc --json`. */
export function missingExamples(json: string): string[] {
  const { nodes } = JSON.parse(json) as Documentation;
  const missing = Object.values(nodes).flatMap(({ symbols = [] }) =>
    symbols.filter(({ declarations }) => lacksExample(declarations))
      .map(({ name, declarations }) => `${declarations[0]!.location.filename} ${name}`)
  );
  return [...new Set(missing)].sort();
}

/** Of a function with several signatures, one example is enough. */
function lacksExample(declarations: readonly Declaration[]): boolean {
  const behaves = declarations.filter(({ kind, declarationKind }) =>
    declarationKind === "export" && (kind === "class" || kind === "function")
  );
  return behaves.length > 0 &&
    !behaves.some(({ jsDoc }) => /```ts\\n/.test(JSON.stringify(jsDoc ?? {})));
}
