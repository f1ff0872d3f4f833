import assert from "node:assert/strict";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { CHANNEL, GROUP } from "../../support/faulty_rabbitmq.ts";
import { RabbitMqPlace } from "../../support/rabbitmq.ts";
import { runCommand } from "../../support/run_command.ts";
import { findService, serviceTest } from "../../support/services.ts";
import { skipTest } from "../../support/skip.ts";

const name = "on Deno, streams on RabbitMQ need the network and no other permission";

if ("Deno" in globalThis) {
  serviceTest(await findService("rabbitmq"))(name, async (url) => {
    const script = fileURLToPath(
      new URL("../../support/fixtures/rabbitmq_with_permissions.ts", import.meta.url),
    );
    const place = new RabbitMqPlace(url);
    place.note(CHANNEL, GROUP);
    const flags = ["run", "--no-check", "--no-prompt", `--allow-net=${new URL(url).host}`];
    const args = [...flags, script, url, place.prefix, CHANNEL, GROUP];
    try {
      const { output } = await runCommand(process.execPath, args);
      assert.equal(output, '"handled"\n');
    } finally {
      await place.clear();
    }
  });
} else {
  skipTest(name, "only Deno has permissions");
}
