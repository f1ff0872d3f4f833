const UNRELEASED = "## [Unreleased]";

/** Gives what is unreleased a version and a day, such as `2026-11-27`. Throws when there is nothing to release. */
export function releaseUnreleased(changelog: string, version: string, day: string): string {
  if (notesOf(changelog, "Unreleased") === "") {
    throw new Error("Cannot release: CHANGELOG.md says nothing under Unreleased");
  }
  if (changelog.includes(heading(version))) {
    throw new Error(`Cannot release: CHANGELOG.md has ${version} already`);
  }
  return changelog.replace(UNRELEASED, `${UNRELEASED}\n\n${heading(version)} - ${day}`);
}

/** What the changelog says about a version. Throws when it does not know it. */
export function notesOf(changelog: string, version: string): string {
  const lines = changelog.split("\n");
  const start = lines.findIndex((line) => line.startsWith(heading(version)));
  if (start < 0) throw new Error(`Cannot find ${version} in CHANGELOG.md`);
  const length = lines.slice(start + 1).findIndex((line) => line.startsWith("## "));
  return lines.slice(start + 1, length < 0 ? undefined : start + 1 + length).join("\n").trim();
}

function heading(version: string): string {
  return `## [${version}]`;
}
