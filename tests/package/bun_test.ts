import { onDenoOnly } from "../support/on_deno.ts";
import { testPackage } from "../support/package_tests.ts";
import { bunToolchain } from "../support/toolchain.ts";

await onDenoOnly("the package for npm on Bun", async () => testPackage(await bunToolchain()));
