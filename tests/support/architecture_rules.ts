import ts from "typescript";
import { codeLines, lineOf, nodes, type SourceFile } from "./source_file.ts";

/** A rule of the house: what breaks it, one line for each place. */
export type Rule = (files: readonly SourceFile[]) => string[];

/** Which folders a folder may import, besides itself. `mod.ts` of the root may import them all. */
const ARROWS: Readonly<Record<string, readonly string[]>> = {
  core: [],
  domain: ["core/"],
  database: ["core/", "domain/"],
  cache: ["core/"],
  storage: ["core/"],
  messaging: ["core/", "domain/events"],
  cli: ["core/", "domain/", "database/", "cache/", "storage/", "messaging/"],
};

/** A program, which uses the library as others do. Only its main file knows of the process that it runs in. */
const PROGRAM = "cli";
const PROGRAM_MAIN = "cli/main.ts";

/** Packages that `mod.ts` may load, because they talk to nothing. */
const PURE_PACKAGES = ["@opentelemetry/api", "kysely", "uuid", "zod"];

/** What runs in `workerd` without `nodejs_compat`. */
const EDGE = [
  "core/mod.ts",
  "domain/mod.ts",
  "cache/mod.ts",
  "messaging/mod.ts",
  "storage/mod.ts",
  "storage/adapters/s3.ts",
];

/** Files without a test of their name, because the conformance suite in this test is about them. */
const TESTED_THROUGH: Readonly<Record<string, string>> = {
  "cache/adapters/redis/cache_area.ts": "tests/cache/redis/redis_test.ts",
  "cache/adapters/redis/failure_policy.ts": "tests/cache/redis/redis_test.ts",
  "cache/adapters/redis/guarded_values.ts": "tests/cache/redis/redis_test.ts",
  "cache/adapters/redis/options.ts": "tests/cache/redis/config_test.ts",
  "cache/adapters/redis/pattern.ts": "tests/cache/redis/redis_test.ts",
  "cache/adapters/redis/redis_cache.ts": "tests/cache/redis/redis_test.ts",
  "cache/adapters/redis/scripts.ts": "tests/cache/redis/redis_test.ts",
  "cache/adapters/redis/store.ts": "tests/cache/redis/redis_test.ts",
  "cache/adapters/redis/values.ts": "tests/cache/redis/redis_test.ts",
  "cache/memory_entries.ts": "tests/cache/memory_test.ts",
  "cache/read_through.ts": "tests/cache/memory_test.ts",
  "cli/demo/board_change.ts": "tests/cli/demo_test.ts",
  "cli/demo/import_results.ts": "tests/cli/demo_test.ts",
  "cli/demo/questions.ts": "tests/cli/demo_test.ts",
  "cli/demo/report.ts": "tests/cli/demo_test.ts",
  "cli/demo/results_file.ts": "tests/cli/demo_test.ts",
  "cli/demo/run_exchange.ts": "tests/cli/demo_test.ts",
  "cli/demo/setup.ts": "tests/cli/demo_test.ts",
  "cli/events.ts": "tests/cli/run_cli_test.ts",
  "cli/with_database.ts": "tests/cli/migrate_test.ts",
  "core/redis/channel.ts": "tests/cache/redis/redis_test.ts",
  "core/redis/redis_script.ts": "tests/cache/redis/redis_test.ts",
  "core/redis/client_channel.ts": "tests/cache/redis/redis_test.ts",
  "core/redis/cluster_nodes.ts": "tests/messaging/redis/cluster_test.ts",
  "messaging/adapters/redis/messaging_area.ts": "tests/messaging/redis/redis_test.ts",
  "core/redis/redis_source.ts": "tests/cache/redis/config_test.ts",
  "database/drivers/pg_listener.ts": "tests/faults/pg_listener_test.ts",
  "database/outbox/event_claims.ts": "tests/database/outbox/relay_test.ts",
  "database/outbox/outbox_stats.ts": "tests/database/outbox/relay_test.ts",
  "database/outbox/relay_run.ts": "tests/database/outbox/relay_test.ts",
  "domain/event_schemas.ts": "tests/domain/events_test.ts",
  "messaging/adapters/rabbitmq/connection.ts": "tests/faults/rabbitmq_connections_test.ts",
  "messaging/adapters/rabbitmq/letters.ts": "tests/messaging/rabbitmq/streams_test.ts",
  "messaging/adapters/rabbitmq/publisher.ts": "tests/faults/rabbitmq_channels_test.ts",
  "messaging/adapters/rabbitmq/rabbitmq_driver.ts": "tests/messaging/rabbitmq/streams_test.ts",
  "messaging/adapters/rabbitmq/reader.ts": "tests/messaging/rabbitmq/streams_test.ts",
  "messaging/adapters/rabbitmq/topology.ts": "tests/messaging/rabbitmq/streams_test.ts",
  "messaging/adapters/redis/stream_driver.ts": "tests/messaging/redis/streams_test.ts",
  "messaging/adapters/redis/stream_entries.ts": "tests/messaging/redis/streams_test.ts",
  "messaging/adapters/redis/stream_keys.ts": "tests/messaging/redis/streams_test.ts",
  "messaging/adapters/redis/stream_reader.ts": "tests/messaging/redis/streams_test.ts",
  "messaging/adapters/redis/stream_scripts.ts": "tests/messaging/redis/streams_test.ts",
  "messaging/adapters/redis/subscriptions.ts": "tests/messaging/redis/redis_test.ts",
  "messaging/adapters/redis_streams.ts": "tests/messaging/redis/streams_test.ts",
  "messaging/memory_group.ts": "tests/messaging/memory_streams_test.ts",
  "messaging/memory_stream.ts": "tests/messaging/memory_streams_test.ts",
  "messaging/portable_streams.ts": "tests/messaging/memory_streams_test.ts",
  "messaging/stream_reader.ts": "tests/messaging/memory_streams_test.ts",
  "messaging/stream_subscription.ts": "tests/messaging/memory_streams_test.ts",
  "storage/adapters/filesystem/driver.ts": "tests/storage/filesystem_test.ts",
  "storage/adapters/filesystem/object_place.ts": "tests/storage/filesystem_test.ts",
  "storage/adapters/s3/checksum.ts": "tests/storage/s3/uploads_test.ts",
  "storage/adapters/s3/multipart_upload.ts": "tests/storage/s3/uploads_test.ts",
  "storage/adapters/s3/object_reader.ts": "tests/storage/s3/s3_test.ts",
  "storage/adapters/s3/s3_driver.ts": "tests/storage/s3/s3_test.ts",
  "storage/adapters/s3/server.ts": "tests/storage/s3/s3_test.ts",
  "storage/failures.ts": "tests/storage/memory_test.ts",
  "storage/portable.ts": "tests/storage/memory_test.ts",
  "storage/requests.ts": "tests/storage/memory_test.ts",
};

/** What a conformance suite may import besides the library. */
const IN_SUITES = ["node:assert/strict", ...PURE_PACKAGES];

const MAX_FILE_LINES = 250;
const MAX_FUNCTION_LINES = 40;

/** Whether a file is part of the package. */
export function isPublished({ path }: { readonly path: string }): boolean {
  return path === "mod.ts" || area(path) in ARROWS ||
    path.startsWith("tests/conformance/") && !path.endsWith("_test.ts");
}

/** `database` -> `core`, `domain` and so on, never sideways; and nothing published -> `cli`. */
export const followsArrows: Rule = (files) =>
  files.flatMap(({ path, imports }) => {
    const allowed = ARROWS[area(path)];
    return imports.filter(({ target }) =>
      area(target) in ARROWS && area(target) !== area(path) &&
      (allowed
        ? !allowed.some((prefix) => target.startsWith(prefix))
        : area(target) === PROGRAM && isPublished({ path }))
    ).map(({ target }) => `${path} must not import ${target}`);
  });

/** A folder's `mod.ts` is for users, as `cli` is one; inside, files import the file that they need. */
export const importsFilesNotFolders: Rule = (files) =>
  files.filter((file) => isPublished(file) && file.path !== "mod.ts" && area(file.path) !== PROGRAM)
    .flatMap((file) =>
      file.imports.filter(({ target }) => /^[^@].*\/mod\.ts$/.test(target) || target === "mod.ts")
        .map(({ target }) => `${file.path} must import a file instead of ${target}`)
    );

/** Loading a file never leads back to it. Types may refer to each other. */
export const hasNoCycles: Rule = (files) => {
  const loads = loadedTargets(files);
  return files.filter(({ path }) => reachable(loads.get(path)!, loads).has(path))
    .map(({ path }) => `${path} loads itself through others`);
};

/** What is for runtimes without sockets, which clients need. */
const WITHOUT_SOCKETS = "cache/adapters/redis_http.ts";

/**
 * Loading `mod.ts` loads no package that talks to a server, not even indirectly; nor does loading any file of `cli`, so
 * that it starts fast, and what is for runtimes without sockets.
 */
export const loadsNoVendor: Rule = (files) => {
  const loads = loadedTargets(files);
  return files.map(({ path }) => path)
    .filter((path) => ["mod.ts", WITHOUT_SOCKETS].includes(path) || area(path) === PROGRAM)
    .flatMap((start) =>
      [...reachable([start], loads)]
        .filter((target) => !target.endsWith(".ts") && !target.startsWith("node:"))
        .filter((target) => !PURE_PACKAGES.some((name) => `${target}/`.startsWith(`${name}/`)))
        .map((target) => `${start} must not load ${target}`)
    );
};

/** What runs at the edge loads no module of Node, not even indirectly: it would not be loaded itself. */
export const loadsAtEdge: Rule = (files) => {
  const loads = loadedTargets(files);
  return EDGE.flatMap((start) =>
    [...reachable([start], loads)].filter((target) => target.startsWith("node:"))
      .map((target) => `${start} must not load ${target}`)
  );
};

/** Suites run on any runner: they need the library, its pure packages and assertions, no more. */
export const keepsSuitesPortable: Rule = (files) =>
  files.filter(({ path }) => path.startsWith("tests/conformance/") && !path.endsWith("_test.ts"))
    .flatMap(({ path, imports }) =>
      imports.filter(({ target }) => !isPublished({ path: target }) && !IN_SUITES.includes(target))
        .map(({ target }) => `${path} must not import ${target}`)
    );

/** Bare names only: versions live in deno.json and package.json. */
export const importsBareNames: Rule = (files) =>
  files.filter(({ path }) => !path.startsWith("tests/jsr/")).flatMap(({ path, imports }) =>
    imports.filter(({ target }) => /^(npm|jsr|https?):/.test(target))
      .map(({ target }) => `${path} must not import ${target} with a prefix`)
  );

/** Migrations are SQL in a string, so their length says nothing. */
export const keepsFilesSmall: Rule = (files) =>
  files.filter((file) => !/^database\/migrations\/\d/.test(file.path)).flatMap(({ path, tree }) => {
    const { size } = codeLines(tree, tree);
    return size > MAX_FILE_LINES ? [`${path} has ${size} lines of code`] : [];
  });

/** What stands in a call like `test("name", () => {})` counts for itself, not for what is around. */
export const keepsFunctionsSmall: Rule = (files) =>
  files.flatMap(({ path, tree }) =>
    nodes(tree).filter(isFunction).flatMap((node) => {
      const lines = codeLines(node, tree);
      for (const call of nodes(node).filter(registersTest)) {
        for (const line of codeLines(call, tree)) lines.delete(line);
      }
      if (lines.size <= MAX_FUNCTION_LINES) return [];
      return [`${path}:${lineOf(tree, node.getStart())} is a function of ${lines.size} lines`];
    })
  );

/** No default export, enum, namespace, parameter property, global declaration or `any`. */
export const avoidsForbiddenSyntax: Rule = (files) =>
  files.filter(isPublished).flatMap(({ path, tree }) =>
    nodes(tree).flatMap((node) => {
      const name = forbiddenSyntax(node);
      return name ? [`${path}:${lineOf(tree, node.getStart())} uses ${name}`] : [];
    })
  );

/** No output, no end of the process, and nothing that Node 20 and 22 lack; a program may say how it ended. */
export const leavesTheProcessAlone: Rule = (files) =>
  files.filter(isPublished).flatMap(({ path, tree }) =>
    nodes(tree).filter(ts.isPropertyAccessExpression)
      .filter((node) =>
        /^(console\.\w+|process\.exit(Code)?|import\.meta\.main)$/.test(node.getText()) &&
        !(path === PROGRAM_MAIN && node.getText() === "process.exitCode")
      )
      .map((node) => `${path}:${lineOf(tree, node.getStart())} uses ${node.getText()}`)
  );

/** `a_file_like_this.ts`, migrations with their number in front. */
export const namesFilesInSnakeCase: Rule = (files) =>
  files.filter(({ path }) => !/^([a-z0-9]+(_[a-z0-9]+)*\/)*[a-z0-9]+(_[a-z0-9]+)*\.ts$/.test(path))
    .map(({ path }) => `${path} is not in snake_case`);

/**
 * Every published file that does something has a test of its name in the same area of `tests/`, in
 * any folder there. Files of types alone, `mod.ts` and migrations have nothing to test on their own;
 * statements and rows of a repository are run by its suite and checked by `verify_test.ts`.
 */
export const mirrorsFilesInTests: Rule = (files) => {
  const paths = new Set(files.map(({ path }) => path));
  const mirrors = new Set([...paths].map(mirror));
  return files.filter(({ path }) => area(path) in ARROWS)
    .filter(({ path }) =>
      !/\/mod\.ts$|^database\/migrations\/\d|_(statements|rows)\.ts$/.test(path)
    )
    .filter(({ tree }) => tree.statements.some(hasEffect))
    .filter(({ path }) => !mirrors.has(mirror(`tests/${path.replace(/\.ts$/, "_test.ts")}`)))
    .filter(({ path }) => !paths.has(TESTED_THROUGH[path] ?? ""))
    .map(({ path }) => `${path} has no test ${path.split("/").at(-1)!.replace(".ts", "_test.ts")}`);
};

/** The area and the name of a test file, without the folders between. */
function mirror(path: string): string {
  const [, area, ...rest] = path.split("/");
  return `${area}/${rest.at(-1)}`;
}

function area(path: string): string {
  return path.split("/")[0]!;
}

function loadedTargets(files: readonly SourceFile[]): Map<string, string[]> {
  return new Map(files.map(({ path, imports }) => [
    path,
    imports.filter(({ loads }) => loads).map(({ target }) => target),
  ]));
}

function reachable(
  starts: readonly string[],
  targets: ReadonlyMap<string, readonly string[]>,
): Set<string> {
  const reached = new Set(starts);
  for (const path of reached) {
    for (const target of targets.get(path) ?? []) reached.add(target);
  }
  return reached;
}

function isFunction(node: ts.Node): boolean {
  return ts.isFunctionLike(node) && "body" in node && node.body !== undefined;
}

function registersTest(node: ts.Node): boolean {
  if (!ts.isCallExpression(node)) return false;
  const [name, test] = node.arguments;
  return name !== undefined && test !== undefined && isFunction(test) &&
    (ts.isStringLiteralLike(name) || ts.isTemplateExpression(name));
}

function hasEffect(statement: ts.Statement): boolean {
  return !ts.isImportDeclaration(statement) && !ts.isExportDeclaration(statement) &&
    !ts.isInterfaceDeclaration(statement) && !ts.isTypeAliasDeclaration(statement);
}

function forbiddenSyntax(node: ts.Node): string | undefined {
  if (ts.isEnumDeclaration(node)) return "an enum";
  if (ts.isModuleDeclaration(node)) return "a namespace or global declaration";
  if (ts.isExportAssignment(node)) return "a default export";
  if (node.kind === ts.SyntaxKind.DefaultKeyword && ts.canHaveModifiers(node.parent)) {
    return "a default export";
  }
  if (node.kind === ts.SyntaxKind.AnyKeyword) return "any";
  if (ts.isParameterPropertyDeclaration(node, node.parent)) return "a parameter property";
  if (ts.isVariableDeclarationList(node) && node.flags & ts.NodeFlags.Using) return "using";
}
