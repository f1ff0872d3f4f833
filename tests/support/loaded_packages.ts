import type { UserProject } from "./user_project.ts";

/** The packages of `node_modules` that importing an entry point loads on Node 24, without our own. */
export async function loadedPackages(project: UserProject, entry: string): Promise<string[]> {
  return JSON.parse(await project.run(PROGRAM.replace("ENTRY", entry)));
}

const PROGRAM = `
import { registerHooks } from "node:module";

const loaded = new Set<string>();
registerHooks({
  load(url, context, next) {
    const name = /^.*[/]node_modules[/]((?:@[^/]+[/])?[^/]+)/.exec(url)?.[1];
    if (name !== undefined) loaded.add(name);
    return next(url, context);
  },
});
await import("ENTRY");
loaded.delete("@benchmark-exchange/infrastructure");
console.log(JSON.stringify([...loaded]));
`;
