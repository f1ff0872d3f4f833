import { onDenoOnly } from "../support/on_deno.ts";
import { testPackage } from "../support/package_tests.ts";
import { nodeToolchain } from "../support/toolchain.ts";

await onDenoOnly(
  "the package for npm on Node 22",
  async () => testPackage(await nodeToolchain(22)),
);
