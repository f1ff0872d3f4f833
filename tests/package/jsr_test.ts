import process from "node:process";
import { after, test } from "node:test";
import { JsrRegistry } from "../support/jsr_registry.ts";
import { onDenoOnly } from "../support/on_deno.ts";
import { denoToolchain } from "../support/toolchain.ts";

await onDenoOnly("the package on JSR", async () => {
  const registry = await JsrRegistry.start();
  await registry.publish();
  // Loaded late, because what it loads reads the environment.
  const { testPackage } = await import("../support/package_tests.ts");
  const { writeTypedSources } = await import("../support/typed_sources.ts");
  testPackage(denoToolchain(registry.url), ["memory"], (project) => {
    after(() => registry[Symbol.asyncDispose]());
    test("Deno: the types of every entry point and of the README's snippets resolve", async () => {
      await writeTypedSources(await project());
      await (await project()).command([process.execPath, "check", "source"]);
    });
  });
});
