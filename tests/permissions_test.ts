import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import {
  limitFlags,
  PERMISSION_FACTS,
  type PermissionFact,
  permissionRows,
  withOneLess,
} from "./support/permissions.ts";
import { test } from "./support/permitted.ts";
import { type CommandResult, runCommand } from "./support/run_command.ts";
import {
  findService,
  type Service,
  type ServiceName,
  SERVICES,
  type ServiceTest,
  serviceTest,
} from "./support/services.ts";
import { skipTest } from "./support/skip.ts";
import { openUsePlace } from "./support/use_place.ts";

const PROGRAM = fileURLToPath(
  new URL("./support/fixtures/use_with_permissions.ts", import.meta.url),
);

/** Where none is allowed, one has to be denied: Deno allows all to a Deno that `node:child_process` starts without any. */
const ALONE = ["run", "--no-check", "--no-prompt", "--deny-ffi"];

// Before any test is registered: Deno runs those that there are when a server lets it wait for too long.
const found = "Deno" in globalThis ? await findServices() : {};

for (const fact of PERMISSION_FACTS) {
  const { use, flags, servers = [] } = fact;
  const name = `on Deno, ${use} needs ${flags.join(" ") || "no flags"}, no more and no less`;
  if (!("Deno" in globalThis)) {
    skipTest(name, "only Deno has permissions");
    continue;
  }
  const services = servers.map((name) => found[name]!);
  testWith(services)(name, () => checkFlags(fact, services));
}

test("there is a fact for each subpath of the package, and the README has the same table", () => {
  const subpaths = Object.keys(JSON.parse(read("deno.json")).exports)
    .map((subpath) => subpath.slice(1)).filter((subpath) => subpath !== "");
  const uses = PERMISSION_FACTS.map(({ use }) => use).filter((use) => use.startsWith("/"));
  assert.deepEqual(uses.toSorted(), subpaths.toSorted());
  const rows = [...read("README.md").matchAll(/^\| (.+?) +\| (`--allow.+?|none) +\|$/gm)];
  assert.deepEqual(
    rows.map(([, use, flags]) => [use, flags]),
    permissionRows(PERMISSION_FACTS),
  );
});

async function findServices(): Promise<Readonly<Record<string, Service>>> {
  const names = Object.keys(SERVICES) as ServiceName[];
  return Object.fromEntries(
    await Promise.all(names.map(async (name) => [name, await findService(name)])),
  );
}

/** A test that is skipped unless all the servers are there. */
function testWith(services: readonly Service[]): ServiceTest {
  const one = services.find((service) => "missing" in service) ?? services[0];
  return one ? serviceTest(one, test) : (name, fn) => test(name, () => fn(""));
}

async function checkFlags(fact: PermissionFact, services: readonly Service[]): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "exchange-permissions-"));
  const place = await openUsePlace(services, fact);
  const hosts = place.urls.map((url) => new URL(url).host);
  const flags = limitFlags(fact.flags, {
    "HOST:PORT": hosts,
    "PGLITE": [dirname(createRequire(import.meta.url).resolve("@electric-sql/pglite"))],
    "FOLDER": [folder],
  });
  const run = (flags: readonly string[]): Promise<CommandResult> => {
    // What ends early leaves its lock, which without the permission to ask is that of a living process.
    const ownFolder = join(folder, crypto.randomUUID());
    const args = [PROGRAM, fact.use, place.urls[0] ?? ownFolder, place.name];
    return runCommand(process.execPath, [...ALONE, ...flags, ...args], { env: place.env });
  };
  try {
    for (const fewer of withOneLess(flags)) {
      assert.notEqual((await run(fewer)).code, 0, `${fact.use} works with: ${fewer.join(" ")}`);
    }
    const { code, output } = await run(flags);
    assert.equal(code, 0, output);
  } finally {
    await place[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  }
}

function read(path: string): string {
  return readFileSync(new URL(`../${path}`, import.meta.url), "utf8");
}
