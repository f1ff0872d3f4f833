import assert from "node:assert/strict";
import { test } from "node:test";
import { notesOf, releaseUnreleased } from "./changelog.ts";

const CHANGELOG = `# Changelog

## [Unreleased]

### Added

- A thing.

## [0.1.0] - 2026-01-02

- The first.
`;

test("what is unreleased becomes a version of a day, and something new can follow", () => {
  const released = releaseUnreleased(CHANGELOG, "0.2.0", "2026-11-27");
  assert.match(released, /\n## \[Unreleased\]\n\n## \[0\.2\.0\] - 2026-11-27\n\n### Added\n/);
  assert.equal(notesOf(released, "0.2.0"), "### Added\n\n- A thing.");
  assert.equal(notesOf(released, "Unreleased"), "");
  assert.equal(notesOf(released, "0.1.0"), "- The first.");
});

test("a version without notes, or with notes already, is not released", () => {
  const released = releaseUnreleased(CHANGELOG, "0.2.0", "2026-11-27");
  assert.throws(
    () => releaseUnreleased(released, "0.3.0", "2026-11-28"),
    /nothing under Unreleased/,
  );
  assert.throws(() => releaseUnreleased(CHANGELOG, "0.1.0", "2026-11-28"), /has 0\.1\.0 already/);
  assert.throws(() => notesOf(CHANGELOG, "9.9.9"), /Cannot find 9\.9\.9/);
});
