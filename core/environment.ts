/** Variables of the environment by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads only the named variables of the process, so that on Deno `--allow-env` with just these names is
 * enough. An empty value counts as none. Where there is no process, as in `workerd`, there are no variables.
 *
 * ```ts
 * import { readEnvironment } from "@benchmark-exchange/infrastructure/core";
 *
 * // Run with --allow-env=DATABASE_URL,REDIS_URL
 * const { DATABASE_URL, REDIS_URL } = readEnvironment(["DATABASE_URL", "REDIS_URL"]);
 * console.log(DATABASE_URL === undefined ? "embedded database" : "database on a server");
 * console.log(REDIS_URL === undefined ? "cache in memory" : "cache on a server");
 * ```
 */
export function readEnvironment(names: readonly string[]): Environment {
  const { process } = globalThis as { readonly process?: { readonly env: Environment } };
  return Object.fromEntries(names.map((name) => [name, process?.env[name] || undefined]));
}
