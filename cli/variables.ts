import type { Environment } from "../core/environment.ts";
import { S3_VARIABLES } from "../storage/s3_environment.ts";
import { usageError } from "./command_error.ts";

/** All that the command line reads of the environment. */
export const CLI_VARIABLES: readonly string[] = [
  "DATABASE_URL",
  "REDIS_URL",
  "NATS_URL",
  "RABBITMQ_URL",
  ...S3_VARIABLES,
  "NO_COLOR",
];

/** Returns a variable, or throws a `CommandError` that tells how to set it. */
export function requiredVariable(environment: Environment, name: keyof typeof EXAMPLES): string {
  const value = environment[name];
  if (value) return value;
  throw usageError(`Cannot find the server: ${name} is not set, such as to ${EXAMPLES[name]}`);
}

const EXAMPLES = {
  DATABASE_URL: "postgres://user:password@host:5432/database",
  REDIS_URL: "redis://host:6379",
};
