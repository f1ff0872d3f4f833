import type { Environment } from "../core/environment.ts";
import { ConfigurationError } from "../core/errors.ts";
import { isKeyPart, isRegion, readServerUrl } from "./s3_rules.ts";

/** The variables that name an S3 server; the same as those of Amazon's own tools. */
export const S3_VARIABLES = [
  "S3_ENDPOINT",
  "AWS_REGION",
  "AWS_ACCESS_KEY_ID",
  "AWS_SECRET_ACCESS_KEY",
  "AWS_SESSION_TOKEN",
] as const;

/** What the environment says about an S3 server. */
export interface S3Environment {
  /** `S3_ENDPOINT`; without it, the server is Amazon's. */
  readonly endpoint: string | undefined;
  /** `AWS_REGION`. */
  readonly region: string | undefined;
  /** `AWS_ACCESS_KEY_ID` and so on. */
  readonly credentials: {
    readonly accessKeyId: string;
    readonly secretAccessKey: string;
    readonly sessionToken: string | undefined;
  };
}

/** What is wrong with the variables, one sentence for each problem, without their values. */
export function s3Problems(environment: Environment): string[] {
  const { S3_ENDPOINT: endpoint, AWS_REGION: region } = environment;
  const problems: string[] = [];
  if (endpoint && typeof readServerUrl(endpoint) === "string") {
    problems.push("S3_ENDPOINT is not a URL such as http://host:port or https://host:port");
  }
  if (region && !isRegion(region)) {
    problems.push("AWS_REGION is not a region such as us-east-1");
  }
  for (const name of ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]) {
    if (!environment[name]) problems.push(`${name} is not set`);
  }
  for (const name of ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"]) {
    const part = environment[name];
    if (part && !isKeyPart(part)) {
      problems.push(`${name} is not printable ASCII without spaces`);
    }
  }
  return problems;
}

/** Reads the variables; throws a `ConfigurationError` that lists every problem. */
export function readS3Environment(environment: Environment): S3Environment {
  const problems = s3Problems(environment);
  if (problems.length > 0) throw new ConfigurationError(problems, "read the environment");
  return {
    endpoint: environment["S3_ENDPOINT"] || undefined,
    region: environment["AWS_REGION"] || undefined,
    credentials: {
      accessKeyId: environment["AWS_ACCESS_KEY_ID"] ?? "",
      secretAccessKey: environment["AWS_SECRET_ACCESS_KEY"] ?? "",
      sessionToken: environment["AWS_SESSION_TOKEN"] || undefined,
    },
  };
}
