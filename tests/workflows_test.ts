import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";
import { test, whenPermitted } from "./support/permitted.ts";

interface Job {
  readonly needs?: string;
  readonly uses?: string;
  readonly permissions?: Readonly<Record<string, string>>;
  readonly steps?: readonly { readonly uses?: string; readonly run?: string }[];
}

interface Workflow {
  readonly on: Readonly<Record<string, unknown>>;
  readonly permissions: Readonly<Record<string, string>>;
  readonly jobs: Readonly<Record<string, Job>>;
}

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const texts = await whenPermitted(() =>
  Promise.resolve(
    globSync(".github/workflows/*.yml", { cwd: ROOT }).map((path) => read(path)),
  )
);
const workflow = (name: string): Workflow => parse(read(`.github/workflows/${name}.yml`));

test("a workflow can read, and only what publishes can do more", () => {
  for (const text of texts) {
    assert.deepEqual((parse(text) as Workflow).permissions, { contents: "read" });
    assert.doesNotMatch(text, /secrets\./);
  }
  assert.ok(Object.values(workflow("ci").jobs).every(({ permissions }) => !permissions));
});

test("only a tag publishes, after the whole suite, and the registry knows from where", () => {
  const { on, jobs } = workflow("publish");
  assert.deepEqual(on, { push: { tags: ["v*"] } });
  assert.equal(jobs["test"]?.uses, "./.github/workflows/ci.yml");
  assert.equal(jobs["jsr"]?.needs, "test");
  assert.deepEqual(jobs["jsr"]?.permissions, { contents: "read", "id-token": "write" });
  assert.equal(jobs["tarball"]?.needs, "jsr");
  const commands = jobs["jsr"]?.steps?.map(({ run }) => run ?? "") ?? [];
  assert.ok(
    commands.findIndex((run) => run.includes("--verify")) <
      commands.findIndex((run) => run.endsWith("publish")),
  );
});

test("the suite is run as here, with the same Deno, and every task is one of ours", () => {
  const steps = workflow("ci").jobs["run"]?.steps ?? [];
  assert.equal(steps.at(-1)?.run, "sh .ci/run");
  const { tasks } = JSON.parse(read("deno.json")) as { tasks: object };
  const [deno] = /deno@[\d.]+/.exec(read(".ci/run")) ?? assert.fail();
  for (const text of texts) {
    for (const [used] of text.matchAll(/deno@[\d.]+/g)) assert.equal(used, deno);
    for (const [, task] of text.matchAll(/ task (\w+)/g)) assert.ok(task! in tasks, task);
  }
});

function read(path: string): string {
  return readFileSync(`${ROOT}${path}`, "utf8");
}
