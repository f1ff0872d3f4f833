import { globSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const FOLDER = fileURLToPath(new URL("../.cache/compiled/", import.meta.url));

const PUBLISHED = "{core,domain,database,cache,storage,messaging,tests/conformance}/**/*.ts";

/** Compiles the library to JavaScript, as a package for Node has it, and returns where that is. */
export async function compile(): Promise<string> {
  for (const file of globSync(["mod.ts", PUBLISHED], { cwd: ROOT })) {
    const { outputText } = ts.transpileModule(await readFile(join(ROOT, file), "utf8"), {
      compilerOptions: {
        module: ts.ModuleKind.ESNext,
        target: ts.ScriptTarget.ES2023,
        rewriteRelativeImportExtensions: true,
      },
    });
    const target = join(FOLDER, file.replace(/\.ts$/, ".js"));
    await mkdir(dirname(target), { recursive: true });
    await writeFile(target, outputText);
  }
  return FOLDER;
}
