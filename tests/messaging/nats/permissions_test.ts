import assert from "node:assert/strict";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { dropStreams, testPrefix } from "../../support/nats.ts";
import { runCommand } from "../../support/run_command.ts";
import { findService, serviceTest } from "../../support/services.ts";
import { skipTest } from "../../support/skip.ts";

const name = "on Deno, streams on NATS need the network and no other permission";

if ("Deno" in globalThis) {
  serviceTest(await findService("nats"))(name, async (url) => {
    const script = fileURLToPath(
      new URL("../../support/fixtures/nats_with_permissions.ts", import.meta.url),
    );
    const prefix = testPrefix();
    const flags = ["run", "--no-check", "--no-prompt", `--allow-net=${new URL(url).host}`];
    try {
      const { output } = await runCommand(process.execPath, [...flags, script, url, prefix]);
      assert.equal(output, "[1,1]\n");
    } finally {
      await dropStreams(url, prefix);
    }
  });
} else {
  skipTest(name, "only Deno has permissions");
}
