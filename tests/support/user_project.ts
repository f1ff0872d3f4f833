import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import ts from "typescript";
import { runChecked } from "./run_command.ts";
import type { Command, Toolchain } from "./toolchain.ts";

/** A project far from our sources, in which a user has installed the package. */
export class UserProject implements AsyncDisposable {
  /** Where it is. */
  readonly folder: string;
  readonly #toolchain: Toolchain;
  #programs = 0;

  private constructor(folder: string, toolchain: Toolchain) {
    this.folder = folder;
    this.#toolchain = toolchain;
  }

  /** Creates a project and installs the package in it. */
  static async create(toolchain: Toolchain): Promise<UserProject> {
    const project = new UserProject(await mkdtemp(join(tmpdir(), "exchange-user-")), toolchain);
    try {
      for (const [path, text] of Object.entries(toolchain.files)) await project.write(path, text);
      await project.command(await toolchain.install(project.folder));
      return project;
    } catch (error) {
      await project[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Writes a file. */
  async write(path: string, text: string): Promise<void> {
    const full = join(this.folder, path);
    await mkdir(dirname(full), { recursive: true });
    await writeFile(full, text);
  }

  /** Runs a command and resolves with its output; rejects with it unless the command succeeds. */
  command([program, ...args]: Command, folder = ".", env = {}): Promise<string> {
    return runChecked(program, args, {
      cwd: join(this.folder, folder),
      env: { ...this.#toolchain.env(this.folder), ...env },
    });
  }

  /** Runs a TypeScript program in an empty folder of the project and resolves with its output. */
  async run(text: string): Promise<string> {
    const folder = `program-${++this.#programs}`;
    const file = await this.#writeProgram(folder, "program", text);
    return await this.command(this.#toolchain.run(file), folder);
  }

  /** Runs the tests of a file of `fixtures/` and resolves with their report; rejects if one fails. */
  async test(fixture: string, env: Readonly<Record<string, string>> = {}): Promise<string> {
    const folder = `program-${++this.#programs}`;
    const text = await readFile(new URL(`fixtures/${fixture}.ts`, import.meta.url), "utf8");
    const file = await this.#writeProgram(folder, `${fixture}.test`, text);
    return await this.command(this.#toolchain.test(file), folder, env);
  }

  /** Deletes the project. */
  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }

  async #writeProgram(folder: string, name: string, text: string): Promise<string> {
    const { runsTypeScript } = this.#toolchain;
    const file = `${name}.${runsTypeScript ? "ts" : "js"}`;
    await this.write(join(folder, file), runsTypeScript ? text : withoutTypes(text));
    return file;
  }
}

function withoutTypes(text: string): string {
  const { ESNext: module } = ts.ModuleKind;
  const { ES2022: target } = ts.ScriptTarget;
  return ts.transpileModule(text, { compilerOptions: { module, target } }).outputText;
}
