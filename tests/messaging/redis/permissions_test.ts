import assert from "node:assert/strict";
import process from "node:process";
import { fileURLToPath } from "node:url";

import { runCommand } from "../../support/run_command.ts";
import { findService, serviceTest } from "../../support/services.ts";
import { skipTest } from "../../support/skip.ts";

const name = "on Deno, events on Redis need the network and no other permission";

if ("Deno" in globalThis) {
  serviceTest(await findService("redis"))(name, async (url) => {
    const script = fileURLToPath(
      new URL("../../support/fixtures/events_with_permissions.ts", import.meta.url),
    );
    const { host } = new URL(url);
    const flags = ["run", "--no-check", "--no-prompt", `--allow-net=${host}`];
    const { output } = await runCommand(process.execPath, [
      ...flags,
      script,
      url,
      `events:${crypto.randomUUID()}`,
    ]);
    assert.equal(output, "1\n");
  });
} else {
  skipTest(name, "only Deno has permissions");
}
