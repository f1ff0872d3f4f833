import { onDenoOnly } from "../support/on_deno.ts";
import { nodeToolchain } from "../support/toolchain.ts";

await onDenoOnly("the package for npm on Node 22", async () => {
  // Loaded late, because what it loads reads the environment.
  const { testPackage } = await import("../support/package_tests.ts");
  testPackage(await nodeToolchain(22), ["memory", "postgres", "redis"]);
});
