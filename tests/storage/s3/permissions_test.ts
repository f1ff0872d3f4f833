import assert from "node:assert/strict";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { runCommand } from "../../support/run_command.ts";
import { dropBuckets, testBucket } from "../../support/s3.ts";
import { findService, serviceTest } from "../../support/services.ts";
import { skipTest } from "../../support/skip.ts";

const name =
  "on Deno, storage on S3 needs the network, and for the SDK some variables and the release";

/** What the SDK reads when it is loaded, though it is told everything. */
const VARIABLES = "AWS_*,_X_AMZN_*,SMITHY_*,HOME,USERPROFILE,HOMEPATH,HOMEDRIVE";

if ("Deno" in globalThis) {
  serviceTest(await findService("s3"))(name, async (url) => {
    const script = fileURLToPath(
      new URL("../../support/fixtures/storage_with_permissions.ts", import.meta.url),
    );
    const { host } = new URL(url);
    const allowed = [`--allow-net=${host}`, `--allow-env=${VARIABLES}`, "--allow-sys=osRelease"];
    const flags = ["run", "--no-check", "--no-prompt", ...allowed];
    const bucket = testBucket();
    try {
      const { output } = await runCommand(process.execPath, [...flags, script, url, bucket]);
      assert.equal(output, '[3,"text"]\n');
    } finally {
      await dropBuckets(url, bucket);
    }
  });
} else {
  skipTest(name, "only Deno has permissions");
}
