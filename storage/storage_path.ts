import { ValidationError } from "../core/errors.ts";
import { checkObjectKey } from "./object_key.ts";

/**
 * Builds the object keys of the exchange.
 *
 * A part that could break out of its place is refused with a `ValidationError` that names it: one
 * with `/` or `\`, `.` and `..`, the empty string, and whatever {@linkcode checkObjectKey} refuses. So
 * different parts never give the same key, and no part reaches the objects of another family.
 *
 * ```ts
 * import { StoragePath } from "@benchmark-exchange/infrastructure/storage";
 *
 * console.log(StoragePath.benchmarkDataset("123", "1.0.0", "tasks.jsonl"));
 * // benchmarks/123/1.0.0/tasks.jsonl
 * ```
 */
export class StoragePath {
  private constructor() {}

  /** `benchmarks/<benchmark id>/<version>/<file name>` */
  static benchmarkDataset(benchmarkId: string, version: string, fileName: string): string {
    return build("benchmarks", { benchmarkId, version, fileName });
  }

  /** `submissions/<submission id>/<file name>` */
  static submissionResults(submissionId: string, fileName: string): string {
    return build("submissions", { submissionId, fileName });
  }

  /** `avatars/<user id>/<file name>` */
  static userAvatar(userId: string, fileName: string): string {
    return build("avatars", { userId, fileName });
  }

  /** `verifications/<verification id>/<file name>` */
  static verificationArtifacts(verificationId: string, fileName: string): string {
    return build("verifications", { verificationId, fileName });
  }
}

function build(family: string, parts: Record<string, string>): string {
  for (const [field, part] of Object.entries(parts)) {
    if (/[/\\]/.test(checkObjectKey(field, part))) {
      throw new ValidationError(field, "it must not contain a slash or a backslash");
    }
  }
  return checkObjectKey("key", [family, ...Object.values(parts)].join("/"));
}
