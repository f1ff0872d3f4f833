import { globSync, readFileSync } from "node:fs";
import { posix } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";

/** A parsed source file of the project. */
export interface SourceFile {
  /** The path from the root of the project, such as `core/errors.ts`. */
  readonly path: string;
  readonly text: string;
  readonly tree: ts.SourceFile;
  readonly imports: readonly Import[];
}

/** An import or re-export of a source file. */
export interface Import {
  /** A path from the root for one of our files, otherwise what the source says, such as `zod`. */
  readonly target: string;
  /** Whether loading the file loads the target: neither `import type` nor `import()` does. */
  readonly loads: boolean;
}

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const FOLDERS = "core,domain,database,cache,storage,messaging,cli,tests,bench";

/** Reads every source file of the project. */
export function readSourceFiles(): SourceFile[] {
  const paths = globSync(["*.ts", `{${FOLDERS}}/**/*.ts`], { cwd: ROOT });
  return paths.map((path) => path.replaceAll("\\", "/")).sort()
    .map((path) => parseSource(path, readFileSync(ROOT + path, "utf8")));
}

/** Reads a JSON file of the project. */
export function readJson(path: string): Record<string, unknown> {
  return JSON.parse(readFileSync(ROOT + path, "utf8"));
}

/** Parses a source file that lies, or would lie, at `path`. */
export function parseSource(path: string, text: string): SourceFile {
  const tree = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const imports = nodes(tree).flatMap((node) => importOf(path, node));
  return { path, text, tree, imports };
}

/** All nodes below a node, from the first to the last. */
export function nodes(root: ts.Node): ts.Node[] {
  const found: ts.Node[] = [];
  const visit = (node: ts.Node): void => {
    found.push(node);
    ts.forEachChild(node, visit);
  };
  ts.forEachChild(root, visit);
  return found;
}

/** The numbers of the lines that hold code: neither blank nor only comment. */
export function codeLines(root: ts.Node, tree: ts.SourceFile): Set<number> {
  const lines = new Set<number>();
  const visit = (node: ts.Node): void => {
    if (ts.isJSDoc(node)) return;
    const children = node.getChildren(tree);
    if (children.length > 0) return children.forEach(visit);
    if (node.getWidth(tree) === 0) return;
    const last = lineOf(tree, node.end);
    for (let line = lineOf(tree, node.getStart(tree)); line <= last; line++) lines.add(line);
  };
  visit(root);
  return lines;
}

/** The number of the line of a position, from 1. */
export function lineOf(tree: ts.SourceFile, position: number): number {
  return tree.getLineAndCharacterOfPosition(position).line + 1;
}

function importOf(path: string, node: ts.Node): Import[] {
  if (ts.isImportDeclaration(node)) {
    return [toImport(path, node.moduleSpecifier, !node.importClause?.isTypeOnly)];
  }
  if (ts.isExportDeclaration(node) && node.moduleSpecifier) {
    return [toImport(path, node.moduleSpecifier, !node.isTypeOnly)];
  }
  if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
    return [toImport(path, node.arguments[0]!, false)];
  }
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
    return [toImport(path, node.argument.literal, false)];
  }
  return [];
}

function toImport(path: string, specifier: ts.Node, loads: boolean): Import {
  const text = ts.isStringLiteralLike(specifier) ? specifier.text : specifier.getText();
  const target = text.startsWith(".") ? posix.join(posix.dirname(path), text) : text;
  return { target, loads };
}
