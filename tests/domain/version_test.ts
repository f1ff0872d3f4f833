import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import semver from "semver";
import { ValidationError } from "../../core/errors.ts";
import {
  checkVersion,
  compareVersions,
  versionField,
  versionPrecedence,
} from "../../domain/version.ts";

/** The characters of an identifier that a comparison could get wrong: both ends of every range. */
const letters = fc.string({ unit: fc.constantFrom(..."09AZaz-"), minLength: 1, maxLength: 4 });
const number = fc.oneof(fc.nat(20), fc.nat(1_000_000_000)).map(String);
const identifier = fc.oneof(number, letters.filter((text) => !/^0\d+$/.test(text)));

const version = fc.tuple(
  fc.tuple(number, number, number).map((parts) => parts.join(".")),
  fc.array(identifier, { maxLength: 4 }).map((parts) => parts.length ? `-${parts.join(".")}` : ""),
  fc.array(letters, { maxLength: 2 }).map((parts) => parts.length ? `+${parts.join(".")}` : ""),
).map((parts) => parts.join(""));

/** Two versions that are often close to each other. */
const pair = fc.oneof(
  fc.tuple(version, version),
  fc.tuple(
    fc.array(identifier, { minLength: 1, maxLength: 3 }),
    fc.array(identifier, { maxLength: 2 }),
  )
    .map(([start, end]): [string, string] => [
      `1.0.0-${start.join(".")}`,
      `1.0.0-${[...start.slice(0, -1), ...end, "x"].join(".")}`,
    ]),
);

test("versions compare as the semver package compares them", () => {
  fc.assert(
    fc.property(pair, ([a, b]) => {
      assert.equal(compareVersions(a, b), semver.compare(a, b));
    }),
    { numRuns: 2_000 },
  );
});

test("the text of the precedence sorts like the versions, by code unit", () => {
  fc.assert(
    fc.property(fc.array(version), (versions) => {
      const byText = versions.map(versionPrecedence).sort();
      assert.deepEqual(byText, versions.sort(semver.compare).map(versionPrecedence));
    }),
  );
});

test("precedence is as in the examples of SemVer 2.0.0, section 11", () => {
  const ascending = [
    "1.0.0-alpha",
    "1.0.0-alpha.1",
    "1.0.0-alpha.beta",
    "1.0.0-beta",
    "1.0.0-beta.2",
    "1.0.0-beta.11",
    "1.0.0-rc.1",
    "1.0.0",
    "2.0.0",
    "2.1.0",
    "2.1.1",
    "2.1.9",
    "2.1.10",
  ];
  const shuffled = [...ascending].reverse();
  assert.deepEqual(shuffled.sort(compareVersions), ascending);
});

test("numbers of any length compare as numbers", () => {
  assert.equal(compareVersions("99999999999999999998.0.0", "99999999999999999999.0.0"), -1);
  assert.equal(compareVersions(`1.0.0-${"9".repeat(80)}`, `1.0.0-1${"0".repeat(80)}`), -1);
});

test("versions that differ in build metadata only have the same precedence", () => {
  assert.equal(versionPrecedence("1.0.0+linux"), versionPrecedence("1.0.0+windows.2"));
  assert.equal(compareVersions("1.0.0-rc.1+a", "1.0.0-rc.1"), 0);
});

test("a version is one by the semver package, and at most 100 characters long", () => {
  const text = fc.oneof(
    version,
    fc.string({ unit: fc.constantFrom(..."0123.-+av "), maxLength: 12 }),
  );
  fc.assert(
    fc.property(text, (candidate) => {
      // The package trims and takes a "v" in front; the standard does neither.
      const valid = /^\d/.test(candidate) && candidate.trim() === candidate &&
        semver.valid(candidate) !== null;
      assert.equal(versionField.safeParse(candidate).success, valid);
    }),
    { numRuns: 2_000 },
  );
  assert.equal(versionField.safeParse(`1.0.0-${"a".repeat(94)}`).success, true);
  assert.equal(versionField.safeParse(`1.0.0-${"a".repeat(95)}`).success, false);
});

test("what is not a version is refused with the name of the field", () => {
  for (const value of ["1.0", "v1.0.0", "01.0.0", "1.0.0-", "1.0.0-01", "1.0.0\n", "", 1, null]) {
    assert.throws(
      () => checkVersion("minimum", value),
      (error) => error instanceof ValidationError && error.field === "minimum",
      String(value),
    );
  }
  assert.equal(checkVersion("minimum", "1.2.3-rc.1+build.5"), "1.2.3-rc.1+build.5");
});

test("a long text that is almost a version is refused at once", () => {
  assert.equal(versionField.safeParse(`1.0.0-${"a.".repeat(1_000_000)}`).success, false);
});
