import { z } from "zod";
import { ValidationError } from "../core/errors.ts";
import { kindOf } from "../core/shown_value.ts";

/** The pattern that semver.org suggests; it matches in linear time. */
const SEMVER =
  /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-((?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(?:\.(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*))?(?:\+([0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*))?$/;

const MAX_LENGTH = 100;

/** A version by SemVer 2.0.0. */
export const versionField: z.ZodType<string> = z.string().max(MAX_LENGTH).regex(
  SEMVER,
  "it must be a semantic version such as 1.0.0",
);

/**
 * Returns `value` if it is a version by SemVer 2.0.0; throws a {@linkcode ValidationError} otherwise.
 *
 * ```ts
 * import { ValidationError } from "@benchmark-exchange/infrastructure/core";
 * import { checkVersion } from "@benchmark-exchange/infrastructure/domain";
 *
 * console.log(checkVersion("version", "1.2.0-rc.1")); // 1.2.0-rc.1
 * try {
 *   checkVersion("version", "v1.2");
 * } catch (error) {
 *   console.log(error instanceof ValidationError && error.field); // version
 * }
 * ```
 */
export function checkVersion(field: string, value: unknown): string {
  if (typeof value === "string" && value.length <= MAX_LENGTH && SEMVER.test(value)) return value;
  throw new ValidationError(
    field,
    `it must be a semantic version such as 1.0.0, of at most ${MAX_LENGTH} characters, got ${
      kindOf(value)
    }`,
  );
}

/**
 * Text that sorts by code unit as SemVer 2.0.0, section 11, orders versions. Versions that differ
 * in build metadata only have the same precedence, and so the same text.
 *
 * ```ts
 * import { versionPrecedence } from "@benchmark-exchange/infrastructure/domain";
 *
 * const versions = ["1.10.0", "1.9.0", "1.9.0-rc.1"];
 * const sorted = versions.map((version) => ({ version, precedence: versionPrecedence(version) }))
 *   .sort((a, b) => a.precedence < b.precedence ? -1 : 1);
 * console.log(sorted.map(({ version }) => version)); // [ "1.9.0-rc.1", "1.9.0", "1.10.0" ]
 * console.log(versionPrecedence("1.0.0+linux") === versionPrecedence("1.0.0+windows")); // true
 * ```
 */
export function versionPrecedence(version: string): string {
  const match = SEMVER.exec(checkVersion("version", version));
  const [, major = "", minor = "", patch = "", prerelease] = match ?? [];
  const release = [major, minor, patch].map(sortableNumber).join(".");
  // A release sorts after its pre-releases: "~" is above all that an identifier starts with.
  if (prerelease === undefined) return `${release}~`;
  return `${release}-${prerelease.split(".").map(sortableIdentifier).join("")}`;
}

/**
 * Compares two versions by precedence: below 0 if `a` comes first, 0 if they are equal.
 *
 * ```ts
 * import { compareVersions } from "@benchmark-exchange/infrastructure/domain";
 *
 * console.log(["1.10.0", "1.9.0", "1.9.0-rc.1"].sort(compareVersions));
 * // [ "1.9.0-rc.1", "1.9.0", "1.10.0" ]
 * ```
 */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [versionPrecedence(a), versionPrecedence(b)];
  return left < right ? -1 : left > right ? 1 : 0;
}

/** Its length goes first, so that 10 sorts after 9. */
function sortableNumber(digits: string): string {
  return String(digits.length).padStart(3, "0") + digits;
}

/** Numbers sort before words; the end, "!", before any longer identifier. */
function sortableIdentifier(identifier: string): string {
  return /^\d+$/.test(identifier) ? `0${sortableNumber(identifier)}!` : `1${identifier}!`;
}
