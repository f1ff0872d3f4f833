import ts from "typescript";
import { readJson } from "./source_file.ts";

const COMPILER_OPTIONS: ts.CompilerOptions = {
  allowImportingTsExtensions: true,
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
  noEmit: true,
  target: ts.ScriptTarget.ESNext,
};

/**
 * Everything that users of the package can name, as text: the names that each entry point exports, and the
 * declaration of each without comments, bodies and private members. Two versions with the same text have
 * the same interface, as far as types tell.
 */
export function apiSurface(): string {
  const entries = Object.entries(readJson("deno.json").exports as Record<string, string>)
    .map(([name, path]) => ({ name, path: path.replace("./", "") }));
  const program = ts.createProgram(entries.map(({ path }) => path), COMPILER_OPTIONS);
  const checker = program.getTypeChecker();
  const declarations = new Map<string, string>();
  const listings = entries.map(({ name, path }) => {
    const lines = exportsOf(checker, program.getSourceFile(path)!).map((symbol) => {
      const { file, original } = declarationOf(checker, symbol, declarations);
      return symbol.name === original
        ? `  ${symbol.name}  ${file}`
        : `  ${symbol.name} = ${original}  ${file}`;
    });
    return `${name}\n${lines.join("\n")}\n`;
  });
  const texts = [...declarations].sort(([a], [b]) => a < b ? -1 : 1)
    .map(([place, text]) => `# ${place}\n${text}\n`);
  return [...listings, ...texts].join("\n");
}

function exportsOf(checker: ts.TypeChecker, file: ts.SourceFile): ts.Symbol[] {
  const module = checker.getSymbolAtLocation(file);
  if (!module) return [];
  return checker.getExportsOfModule(module).sort((a, b) => a.name < b.name ? -1 : 1);
}

/** Finds what an export stands for, and keeps its text. */
function declarationOf(
  checker: ts.TypeChecker,
  symbol: ts.Symbol,
  declarations: Map<string, string>,
): { readonly file: string; readonly original: string } {
  const isAlias = (symbol.flags & ts.SymbolFlags.Alias) !== 0;
  const original = isAlias ? checker.getAliasedSymbol(symbol) : symbol;
  const file = original.declarations![0]!.getSourceFile();
  const path = file.fileName.replace(`${ts.sys.getCurrentDirectory()}/`, "");
  const place = `${path} ${original.name}`;
  if (!declarations.has(place)) declarations.set(place, textOf(file, original.name));
  return { file: path, original: original.name };
}

const emitted = new Map<ts.SourceFile, ts.SourceFile>();

/** The declarations of a name in a file, as they stand in its `.d.ts`. */
function textOf(file: ts.SourceFile, name: string): string {
  const tree = emitted.get(file) ?? declarationFile(file);
  emitted.set(file, tree);
  return tree.statements.filter((statement) => namesOf(statement).includes(name))
    .map((statement) => statement.getText(tree).replaceAll(/^ +(private |#).*\n/gm, ""))
    .join("\n");
}

function declarationFile(file: ts.SourceFile): ts.SourceFile {
  const { outputText } = ts.transpileDeclaration(file.text, {
    fileName: file.fileName,
    compilerOptions: { ...COMPILER_OPTIONS, noEmit: false, removeComments: true },
  });
  return ts.createSourceFile("declarations.d.ts", outputText, ts.ScriptTarget.Latest, true);
}

function namesOf(statement: ts.Statement): string[] {
  if (ts.isVariableStatement(statement)) {
    return statement.declarationList.declarations.map(({ name }) => name.getText());
  }
  const { name } = statement as { name?: ts.Identifier };
  return name ? [name.text] : [];
}
