import { onDenoOnly } from "../support/on_deno.ts";
import { bunToolchain } from "../support/toolchain.ts";

await onDenoOnly("the package for npm on Bun", async () => {
  // Loaded late, because what it loads reads the environment.
  const { testPackage } = await import("../support/package_tests.ts");
  testPackage(await bunToolchain(), ["memory", "pglite"]);
});
