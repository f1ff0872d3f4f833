import type { ErrorDetails, InfrastructureError } from "../errors.ts";

/** What differs between the areas of the library that talk to Redis. */
export interface RedisArea {
  /** What the names of its counters begin with, such as `cache`. */
  readonly name: string;
  /** The public call that connects, such as `RedisCacheProvider.connect`. */
  readonly connect: string;
  /** What is closed in the end, such as `cache`. */
  readonly subject: string;
  /** The class of its errors. */
  readonly errorClass: new (message: string, details: ErrorDetails) => InfrastructureError;
}
