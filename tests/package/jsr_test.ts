import { after } from "node:test";
import { JsrRegistry } from "../support/jsr_registry.ts";
import { onDenoOnly } from "../support/on_deno.ts";
import { testPackage } from "../support/package_tests.ts";
import { denoToolchain } from "../support/toolchain.ts";

await onDenoOnly("the package on JSR", async () => {
  const registry = await JsrRegistry.start();
  after(() => registry[Symbol.asyncDispose]());
  await registry.publish();
  await testPackage(denoToolchain(registry.url));
});
