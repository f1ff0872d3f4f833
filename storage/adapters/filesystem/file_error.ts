import type { ErrorCode, StorageError } from "../../../core/errors.ts";
import type { StorageCall } from "../../call.ts";
import { storageFailure } from "../../failures.ts";

/** What the error numbers of POSIX mean to a caller. */
const MEANINGS: Readonly<Record<string, readonly [ErrorCode, string]>> = {
  EACCES: ["permission_denied", "the file system denies access"],
  EPERM: ["permission_denied", "the file system denies access"],
  EROFS: ["permission_denied", "the file system is read-only"],
  EEXIST: ["permission_denied", "a foreign file or link stands in the way"],
  EISDIR: ["permission_denied", "a foreign directory stands in the way"],
  ENOSPC: ["resource_exhausted", "the disk is full"],
  EDQUOT: ["resource_exhausted", "the quota of the disk is used up"],
  EFBIG: ["resource_exhausted", "the file system takes no file of this size"],
  ENAMETOOLONG: ["resource_exhausted", "the path of the root leaves too little room for the key"],
  EMFILE: ["overloaded", "too many files are open"],
  ENFILE: ["overloaded", "too many files are open"],
  EIO: ["unavailable", "the disk does not work"],
};

/** Tells whether the error is one of the file system with one of the codes. */
export function hasCode(error: unknown, ...codes: readonly string[]): boolean {
  return codes.includes(codeOf(error));
}

/** The error of this library for one of the file system. It does not show paths, which hold keys. */
export function fileError(error: unknown, call: StorageCall): StorageError {
  const number = codeOf(error);
  const [code, why] = MEANINGS[number] ?? ["internal", "the file system failed"];
  return storageFailure(call.operation, number ? `${why} (${number})` : why, {
    code,
    retryable: code === "overloaded" || code === "unavailable",
    outcome: call.outcome,
    cause: number ? undefined : error,
  });
}

function codeOf(error: unknown): string {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return typeof code === "string" ? code : "";
}
