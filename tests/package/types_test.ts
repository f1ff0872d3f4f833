import process from "node:process";
import { after, test } from "node:test";
import { lazily } from "../support/lazily.ts";
import { onDenoOnly } from "../support/on_deno.ts";
import { whenPermitted } from "../support/permitted.ts";
import { npmToolchain } from "../support/toolchain.ts";
import type { UserProject } from "../support/user_project.ts";

// Loaded late, because what it loads reads the environment.
const sources = await whenPermitted(() => import("../support/typed_sources.ts"));
const projects = await whenPermitted(() => import("../support/user_project.ts"));

/** The compilers: the last one that is written in JavaScript, and the newest. */
const VERSIONS = ["5.9.3", "7.0.2"];

/** How modules are found, and the kind of modules that this goes with. */
const RESOLUTIONS = { node16: "node16", nodenext: "nodenext", bundler: "esnext" };

await onDenoOnly("the types of the package for npm", () => {
  const project = lazily(createProject);
  after(async () => await (await project().catch(() => undefined))?.[Symbol.asyncDispose]());
  for (const version of VERSIONS) {
    for (const [resolution, module] of Object.entries(RESOLUTIONS)) {
      const name = `TypeScript ${version} resolves all types under moduleResolution ${resolution}`;
      test(name, async () => {
        await compile(await project(), version, resolution, module);
      });
    }
  }
});

async function createProject(): Promise<UserProject> {
  const compilers = VERSIONS.map((version) => `typescript-${version}@npm:typescript@${version}`);
  // For `console`, `fetch` and `node:` modules; the package brings or needs no other types.
  const project = await projects.UserProject.create(
    npmToolchain([...compilers, "@types/node@24.10.1"]),
  );
  await sources.writeTypedSources(project);
  return project;
}

async function compile(
  project: UserProject,
  version: string,
  moduleResolution: string,
  module: string,
): Promise<void> {
  const config = `tsconfig.${version}.${moduleResolution}.json`;
  await project.write(
    config,
    JSON.stringify({
      compilerOptions: {
        ...{ module, moduleResolution, target: "es2022", lib: ["es2022"], types: ["node"] },
        ...{ strict: true, skipLibCheck: false, noEmit: true },
      },
      include: ["source"],
    }),
  );
  const compiler = `node_modules/typescript-${version}/bin/tsc`;
  await project.command([process.execPath, "run", "-A", compiler, "--project", config]);
}
