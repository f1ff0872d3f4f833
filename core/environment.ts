import process from "node:process";

/** Variables of the environment by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads only the named variables of the process, so that on Deno `--allow-env` with just these names is
 * enough. An empty value counts as none.
 */
export function readEnvironment(names: readonly string[]): Environment {
  return Object.fromEntries(names.map((name) => [name, process.env[name] || undefined]));
}
