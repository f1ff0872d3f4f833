import assert from "node:assert/strict";
import type { BenchmarkVersion } from "../../../domain/benchmark.ts";
import { newId } from "../../../domain/ids.ts";
import { assertChecksLimit, assertGuardsCursors, readAll } from "../people/pages.ts";
import { type BenchmarkFixture, type BenchmarkTest, manyTestCases, version } from "./fixture.ts";

/** From the lowest precedence to the highest: the examples of semver.org, and longer numbers. */
const ASCENDING = [
  "1.0.0-alpha",
  "1.0.0-alpha.1",
  "1.0.0-alpha.beta",
  "1.0.0-beta",
  "1.0.0-beta.2",
  "1.0.0-beta.11",
  "1.0.0-rc.1",
  "1.0.0",
  "1.9.0",
  "1.10.0",
  "2.0.0+linux.10",
] as const;

/** Which version is the latest, and that two never get into each other's way. */
export function testVersions(test: BenchmarkTest): void {
  testLatest(test);
  testPublication(test);
  testReading(test);
}

function testLatest(test: BenchmarkTest): void {
  test("the latest version is the highest, also when a backport comes later", async (fixture) => {
    const { benchmarks } = fixture;
    const { id } = await fixture.create();
    for (const number of ["1.1.0", "2.0.0", "1.1.1", "1.0.1-rc.1"]) {
      await publish(fixture, id, number);
    }
    assert.equal((await benchmarks.getVersion(id))?.version, "2.0.0");
    assert.equal((await benchmarks.getVersion(id, "latest"))?.version, "2.0.0");
    assert.equal((await benchmarks.getById(id))?.latestVersion.version, "2.0.0");
    const [listed] = (await benchmarks.list({ author: fixture.userId })).items;
    assert.equal(listed?.latestVersion.version, "2.0.0");
  });

  test("a pre-release is not later than its release", async (fixture) => {
    const { id } = await fixture.create();
    await publish(fixture, id, "1.0.0-rc.99");
    assert.equal((await fixture.benchmarks.getVersion(id))?.version, "1.0.0");
  });

  test("the history is in the order of precedence, highest first", async (fixture) => {
    const { benchmarks } = fixture;
    // Published in an order that is neither that of precedence nor that of text.
    const numbers = [...ASCENDING].sort((a, b) => a.length - b.length || (a < b ? 1 : -1));
    const { id } = await fixture.create({ version: version(numbers[0]!) });
    for (const number of numbers.slice(1)) await publish(fixture, id, number);
    const history = await readAll((page) => benchmarks.getVersionHistory(id, page), 3);
    assert.deepEqual(history.map((one) => one.version), [...ASCENDING].reverse());
    const { total } = await benchmarks.getVersionHistory(id, { withTotal: true });
    assert.equal(total, ASCENDING.length);
  });
}

function testPublication(test: BenchmarkTest): void {
  test("publishVersion returns the version as it is read later", async (fixture) => {
    const { benchmarks } = fixture;
    const { id } = await fixture.create();
    const published = await benchmarks.publishVersion(id, {
      ...version("1.1.0", { changelog: "more", testCases: manyTestCases(2) }),
      createdBy: await fixture.addUser(),
    });
    assert.deepEqual(await benchmarks.getVersionById(published.id), published);
    assert.deepEqual(await benchmarks.getVersion(id, "1.1.0"), published);
    assert.equal(published.testCaseCount, 2);
  });

  test("a publication is a change of the benchmark", async (fixture) => {
    const { benchmarks } = fixture;
    const before = await fixture.createEarlier();
    const published = await publish(fixture, before.id, "1.1.0");
    const after = await benchmarks.getById(before.id);
    assert.equal(after?.revision, before.revision + 1);
    assert.ok(after.updatedAt > before.updatedAt);
    assert.deepEqual(after.latestVersion, { id: published.id, version: "1.1.0" });
  });

  test("a version of the same precedence is already_exists with field version", async (fixture) => {
    const { benchmarks } = fixture;
    const { id, revision } = await fixture.create();
    for (const number of ["1.0.0", "1.0.0+other.build"]) {
      await assert.rejects(publish(fixture, id, number), {
        code: "already_exists",
        field: "version",
        message: "Cannot publish benchmark version: duplicate version",
      });
    }
    assert.equal((await benchmarks.getById(id))?.revision, revision);
    assert.equal((await benchmarks.getVersionHistory(id)).items.length, 1);
  });

  test("of publications of the same version at the same time, one wins", async (fixture) => {
    const { benchmarks } = fixture;
    const { id } = await fixture.create();
    const results = await Promise.allSettled(
      manyTestCases(6).map(() => publish(fixture, id, "2.0.0")),
    );
    const failures = results.filter((result) => result.status === "rejected");
    assert.deepEqual(
      failures.map(({ reason }) => [reason.code, reason.field]),
      Array(5).fill(["already_exists", "version"]),
    );
    assert.equal((await benchmarks.getVersionHistory(id)).items.length, 2);
  });

  test("publications of different versions at the same time all count", async (fixture) => {
    const { benchmarks } = fixture;
    const { id } = await fixture.create();
    await Promise.all([9, 2, 10, 1].map((minor) => publish(fixture, id, `1.${minor}.0`)));
    const after = await benchmarks.getById(id);
    assert.equal(after?.revision, 5);
    assert.equal(after.latestVersion.version, "1.10.0");
  });

  test("a publication to what is missing, archived or changed is refused", async (fixture) => {
    const { benchmarks, userId } = fixture;
    await assert.rejects(publish(fixture, newId(), "2.0.0"), { code: "not_found" });
    const { id } = await fixture.create();
    const stale = { ...version("2.0.0", { testCases: manyTestCases(3) }), createdBy: userId };
    await assert.rejects(benchmarks.publishVersion(id, stale, { expectedRevision: 7 }), {
      code: "conflict",
      message: "Cannot publish benchmark version: it changed meanwhile, " +
        "expected revision 7, current revision 1",
    });
    await benchmarks.delete(id);
    await assert.rejects(benchmarks.publishVersion(id, stale), {
      code: "conflict",
      message: "Cannot publish benchmark version: it is archived",
    });
    assert.equal((await benchmarks.getVersionHistory(id)).items.length, 1);
  });

  test("a large publication to what is archived is refused", async (fixture) => {
    const { benchmarks, userId } = fixture;
    const { id } = await fixture.create();
    await benchmarks.delete(id);
    const large = { ...version("2.0.0", { testCases: manyTestCases(10_001) }), createdBy: userId };
    await assert.rejects(benchmarks.publishVersion(id, large), { code: "conflict" });
  });

  test("bad input of a publication is refused with the name of its field", async (fixture) => {
    const { benchmarks, userId } = fixture;
    const { id } = await fixture.create();
    const testCases = [...manyTestCases(3), ...manyTestCases(1)];
    const publication = { ...version("2.0.0", { testCases }), createdBy: userId };
    await assert.rejects(benchmarks.publishVersion(id, publication), {
      field: "version.testCases[3].name",
    });
    await assert.rejects(benchmarks.publishVersion(id, { ...publication, createdBy: "" }), {
      field: "version.createdBy",
    });
    await assert.rejects(
      benchmarks.publishVersion(id, { ...publication, testCases: [], createdBy: newId() }),
      { code: "constraint_violated", field: "createdBy" },
    );
  });
}

function testReading(test: BenchmarkTest): void {
  test("what is missing is undefined, or an empty page", async ({ benchmarks, create }) => {
    const { id } = await create({ version: version("1.0.0+linux") });
    assert.equal(await benchmarks.getById(newId()), undefined);
    assert.equal(await benchmarks.getBySlug(`missing-${newId()}`), undefined);
    assert.equal(await benchmarks.getVersionById(newId()), undefined);
    assert.equal(await benchmarks.getVersion(newId()), undefined);
    assert.equal(await benchmarks.getVersion(id, "2.0.0"), undefined);
    assert.equal(await benchmarks.getVersion(id, "1.0.0"), undefined);
    assert.equal((await benchmarks.getVersion(id, "1.0.0+linux"))?.version, "1.0.0+linux");
    assert.deepEqual(await benchmarks.getVersionHistory(newId()), { items: [] });
    assert.deepEqual(await benchmarks.getTestCases(newId()), { items: [] });
  });

  test("test cases are paged, each page with its own cursor", async (fixture) => {
    const { benchmarks } = fixture;
    const testCases = manyTestCases(7);
    const one = await fixture.create({ version: version("1.0.0", { testCases }) });
    const other = await fixture.create({ version: version("1.0.0", { testCases }) });
    const cases = await readAll((page) => benchmarks.getTestCases(one.latestVersion.id, page), 3);
    assert.deepEqual(cases.map(({ name }) => name), testCases.map(({ name }) => name));
    const { total } = await benchmarks.getTestCases(one.latestVersion.id, { withTotal: true });
    assert.equal(total, 7);
    await assertGuardsCursors(
      (page) => benchmarks.getTestCases(one.latestVersion.id, page),
      [
        (page) => benchmarks.getTestCases(other.latestVersion.id, page),
        (page) => benchmarks.getVersionHistory(one.id, page),
        (page) => benchmarks.list(page),
      ],
    );
    await assertChecksLimit((page) => benchmarks.getTestCases(one.latestVersion.id, page));
    await assertChecksLimit((page) => benchmarks.getVersionHistory(one.id, page));
  });
}

async function publish(
  { benchmarks, userId }: BenchmarkFixture,
  benchmarkId: string,
  number: string,
): Promise<BenchmarkVersion> {
  const publication = { ...version(number), createdBy: userId };
  return await benchmarks.publishVersion(benchmarkId, publication);
}
