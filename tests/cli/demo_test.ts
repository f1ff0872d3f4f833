import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  FileSystemStorageProvider,
  Infrastructure,
  uploadVerified,
} from "@benchmark-exchange/infrastructure";
import { BUCKET, ensureBenchmarks, ensurePeople } from "../../cli/demo/setup.ts";
import { test } from "../support/permitted.ts";
import { runRecorded } from "../support/recorded_io.ts";
import { runDemo } from "../support/run_demo.ts";

const ROWS = [
  `{"source":"a test"}`,
  `{"provider":"p","model":"first","benchmark":"humaneval","score":88.4}`,
  `{"provider":"p","model":"tied","benchmark":"humaneval","score":88.4}`,
  `{"provider":"p","model":"last","benchmark":"humaneval","score":1}`,
  `{"provider":"p","model":"failed","benchmark":"humaneval","score":null}`,
  `{"provider":"p","model":"a","benchmark":"chess","score":1}`,
  `{"provider":"p","model":"b","benchmark":"humaneval","score":NaN}`,
  `{"provider":"p","model":"c","benchmark":"humaneval","score":100.1}`,
  `{"provider":"p","model":"first","benchmark":"humaneval","score":99}`,
  `{"provider":"p","model":"d","benchmark":"humaneval","score":"high"}`,
  `{"provider":"p","model":"","benchmark":"humaneval","score":1}`,
  `not json`,
  `{"provider":"p","model":"e","benchmark":"chess\\u001b[2J","score":1}`,
  `{"source":"a row with a source","provider":"p","model":"f","benchmark":"mbpp","score":101}`,
  `{"provider":"p","model":"\u00e9","benchmark":"humaneval","score":1}`,
];

const REFUSED: readonly [line: number, reason: RegExp][] = [
  [6, /no benchmark "chess"/],
  [7, /NaN/],
  [8, /^score must be from 0 to 100, got 100\.1$/],
  [9, /line 2/],
  [10, /score must be a number or null, got string/],
  [11, /model\.name/],
  [12, /not a JSON object/],
  [13, /^there is no benchmark "chess\\u001b\[2J"$/],
  [14, /got 101$/],
  [15, /^it is not UTF-8$/],
];

/** In this process, where the embedded database is loaded only once. */
const demo = (args: readonly string[], environment: Record<string, string> = {}) =>
  runRecorded(["demo", ...args], { environment });

async function withFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "exchange-demo-"));
  try {
    // The only letter beyond ASCII becomes a byte that UTF-8 does not have.
    await writeFile(join(folder, "rows.jsonl"), ROWS.join("\n"), "latin1");
    await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function checkReport(report: Record<string, never>): void {
  const { imported, boards, ranks } = report as Record<string, never> & {
    imported: { completed: number; failed: number; refused: { line: number; reason: string }[] };
    boards: { entries: { rank: number; model: { name: string } }[] }[];
    ranks: { rank?: number }[];
  };
  assert.deepEqual([imported.completed, imported.failed], [3, 1]);
  assert.deepEqual(imported.refused.map(({ line }) => line), REFUSED.map(([line]) => line));
  for (const [index, [, reason]] of REFUSED.entries()) {
    assert.match(imported.refused[index]?.reason ?? "", reason);
  }
  const lines = boards[0]?.entries.map(({ rank, model }) => `${rank} ${model.name}`);
  assert.deepEqual(lines, ["1 first", "1 tied", "3 last"]);
  assert.deepEqual(ranks.map(({ rank }) => rank), [1, undefined, undefined, undefined]);
}

test("bad rows are reported by their line, good ones imported, and a second run continues", () =>
  withFolder(async (folder) => {
    const args = ["--json", "--data", join(folder, "rows.jsonl"), "--keep", join(folder, "kept")];
    const first = await demo(args);
    assert.equal(first.code, 2, first.stderr);
    const report = JSON.parse(first.stdout);
    checkReport(report);
    assert.equal(report.events["events:submission Created"], 4);
    assert.equal(report.cache.databaseReads, 1);
    assert.match(report.dataset.sha256, /^[0-9a-f]{64}$/);
    assert.equal(report.health.healthy, true);
    const second = await demo(args);
    assert.equal(second.code, 2, second.stderr);
    assert.equal(JSON.parse(second.stdout).imported.alreadyThere, 4);
    assert.deepEqual(JSON.parse(second.stdout).boards, report.boards);
  }));

test("it says once and one model where there is one", () =>
  withFolder(async (folder) => {
    const file = join(folder, "one.jsonl");
    await writeFile(file, ROWS[1] ?? "");
    const { stdout, stderr } = await demo(["--data", file]);
    assert.match(stdout, /^HumanEval: best public result of each model, 1 model$/m, stderr);
    assert.match(stdout, /^MBPP: best public result of each model, 0 models$/m);
    assert.match(stdout, /^Cache: the board of HumanEval was read twice, once from the database$/m);
  }));

test("the help tells how a file of results has to be", async () => {
  const { code, stdout } = await demo(["--help"]);
  assert.equal(code, 0);
  for (const told of ["humaneval, humaneval-plus, mbpp, mbpp-plus", "0 to 100", '{"source":']) {
    assert.ok(stdout.includes(told), told);
  }
});

test("a file with no good row is reported line by line, and one without rows refused", () =>
  withFolder(async (folder) => {
    const file = join(folder, "bad.jsonl");
    await writeFile(file, "[]\r\n\nnull\n");
    const { code, stdout } = await demo(["--data", file]);
    assert.equal(code, 2);
    assert.match(stdout, /line 1 refused: .*\n {2}line 3 refused: /);
    await writeFile(file, "\n");
    const empty = await demo(["--data", file]);
    assert.equal(empty.code, 1);
    assert.match(empty.stderr, /bad\.jsonl: it has no results/);
  }));

test("a byte order mark before the first row is not part of it, and failed runs alone are imported", () =>
  withFolder(async (folder) => {
    const file = join(folder, "marked.jsonl");
    await writeFile(file, `\ufeff${ROWS[4]}\r\n`);
    const { code, stdout, stderr } = await demo(["--json", "--data", file]);
    assert.equal(code, 0, stderr);
    const report = JSON.parse(stdout);
    assert.deepEqual([report.imported.failed, report.ranks], [1, []]);
  }));

test("a dataset that somebody replaced between two runs is noticed", () =>
  withFolder(async (folder) => {
    const kept = join(folder, "kept");
    const args = ["--data", join(folder, "rows.jsonl"), "--keep", kept];
    assert.equal((await demo(args)).code, 2);
    const storage = new FileSystemStorageProvider({ root: join(kept, "storage") });
    const key = "benchmarks/humaneval/1.0.0/tasks.jsonl";
    await storage.delete(BUCKET, key);
    await uploadVerified(storage, BUCKET, key, "easier tasks");
    await storage.close();
    const { code, stderr } = await demo(args);
    assert.equal(code, 1);
    assert.match(stderr, /SHA-256/);
  }));

test("a run goes on where an earlier one ended between two steps", async () => {
  const exchange = await Infrastructure.embedded();
  try {
    const owner = await exchange.users.create({ email: "m@example.org", username: "maintainer" });
    const { id } = await exchange.organizations.create({
      slug: "evalplus",
      name: "EvalPlus",
      type: "research_institution",
      ownerId: owner.id,
    });
    const primaryMetric = { name: "pass@1", type: "accuracy", higherIsBetter: true } as const;
    await exchange.benchmarks.create({
      slug: "humaneval",
      name: "HumanEval",
      category: "capability",
      createdBy: owner.id,
      version: { version: "1.0.0", evaluation: { primaryMetric } },
    });
    const benchmarks = await ensureBenchmarks(exchange, await ensurePeople(exchange));
    const statuses = [...benchmarks.values()].map(({ benchmark }) => benchmark.status);
    assert.deepEqual(statuses, ["active", "active", "active", "active"]);
    assert.equal(await exchange.organizations.getMemberCount(id), 2);
    assert.equal((await exchange.organizations.getById(id))?.verified, true);
  } finally {
    await exchange.close();
  }
});

test("a better model that comes later takes no verification from the others", () =>
  withFolder(async (folder) => {
    const file = join(folder, "rows.jsonl");
    const args = ["--json", "--data", file, "--keep", join(folder, "kept")];
    await demo(args);
    await writeFile(file, `{"provider":"p","model":"new","benchmark":"humaneval","score":99}`);
    const { boards } = JSON.parse((await demo(args)).stdout);
    const entries: { model: { name: string }; verification: string }[] = boards[0].entries;
    assert.deepEqual(entries.map(({ model, verification }) => `${model.name} ${verification}`), [
      "new audited",
      "first audited",
      "tied platform_verified",
      "last community_verified",
    ]);
  }));

test("whoever reads the output may stop before its end", () =>
  withFolder(async (folder) => {
    const file = join(folder, "long.jsonl");
    await writeFile(file, "[]\n".repeat(10_000));
    const { code, stderr } = await runDemo(["--data", file], {
      onStart: (stdout) => stdout.destroy(),
    });
    assert.deepEqual({ code, stderr }, { code: 2, stderr: "" });
  }));

test("without a file it takes the built-in results", async () => {
  const { code, stdout, stderr } = await demo([]);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^Results: EvalPlus leaderboard, github\.com\/evalplus/);
  assert.match(stdout, /^HumanEval: best public result of each model, 30 models$/m);
  assert.match(stdout, /^Health: every part works$/m);
});

test("what cannot work ends with 1 and says why, without the password", async () => {
  const { code, stderr } = await demo([], { REDIS_URL: "redis://user:s3cr3t@127.0.0.1:9" });
  assert.equal(code, 1);
  assert.match(stderr, /^demo: .*ECONNREFUSED, tried 127\.0\.0\.1:9\n$/);
  const cases: [string[], string, number, RegExp][] = [
    [["--data", "no/such/file"], "", 1, /no\/such\/file/],
    [
      ["--frobnicate"],
      "",
      2,
      /^demo: Cannot use --frobnicate: it is not known; see demo --help\n$/,
    ],
    [["--data", "tests"], "", 1, /Cannot read tests: /],
    [["--data"], "", 2, /--data: it needs a value/],
    [["--keep", ""], "", 2, /--keep: it needs a value/],
    [[], "postgres://user:s3cr3t@127.0.0.1:9/x", 1, /refused/],
  ];
  for (const [args, url, expected, reason] of cases) {
    const { code, stdout, stderr } = await demo(args, { DATABASE_URL: url });
    assert.equal(code, expected, args.join(" "));
    assert.match(stderr, reason);
    assert.ok(!`${stdout}${stderr}`.includes("s3cr3t"));
  }
});
