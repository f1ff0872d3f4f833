import assert from "node:assert/strict";
import { once } from "node:events";
import { spawn } from "node:child_process";
import process from "node:process";
import { test } from "node:test";
import { VERSION } from "../../cli/version.ts";
import { signalIfAlive } from "../support/process_signals.ts";
import { runCommand } from "../support/run_command.ts";
import { findService, serviceTest } from "../support/services.ts";

const redisTest = serviceTest(await findService("redis"));
const MAIN = [..."Deno" in globalThis ? ["run", "-A"] : [], "cli/main.ts"];

test("it is a program on this runtime, with exit codes", async () => {
  const run = async (...args: string[]) => await runCommand(process.execPath, [...MAIN, ...args]);
  assert.deepEqual(await run("--version"), { code: 0, output: `${VERSION}\n` });
  const wrong = await run("doctor", "--frobnicate");
  assert.equal(wrong.code, 2);
  assert.equal(wrong.output, "doctor: Unknown argument --frobnicate; see doctor --help\n");
});

test("it reads the variables of the process, and prints no color into a pipe", async () => {
  const env = { DATABASE_URL: "postgres://user:s3cr3t@127.0.0.1:9/x" };
  const { code, output } = await runCommand(process.execPath, [...MAIN, "doctor"], { env });
  assert.equal(code, 1);
  assert.match(output, /failed +reachable: +Cannot open database: the server refused/);
  // deno-lint-ignore no-control-regex
  assert.doesNotMatch(output, /s3cr3t|\x1b/);
});

redisTest("Ctrl-C ends a tail with 0, and so does the end of its reader", async (url) => {
  for (const end of ["SIGINT", "reader"] as const) {
    const env = { ...process.env, REDIS_URL: url };
    const args = [...MAIN, "events", "tail", "--channel", `test:${crypto.randomUUID()}`];
    const child = spawn(process.execPath, args, { env, stdio: ["ignore", "pipe", "pipe"] });
    const ended = once(child, "exit");
    await once(child.stderr, "data");
    if (end === "SIGINT") {
      // On Deno, `child.kill` has the child end by the signal, whatever its code is.
      signalIfAlive(child.pid!, "SIGINT");
    } else {
      child.stdout.destroy();
      await publish(url, args.at(-1)!);
    }
    assert.deepEqual(await ended, [0, null], end);
  }
});

/** What there is to write tells the tail that nobody reads. */
async function publish(url: string, channel: string): Promise<void> {
  const { RedisEventBus } = await import("../../messaging/adapters/redis.ts");
  const bus = await RedisEventBus.connect({ url });
  try {
    await bus.publish(channel, { type: "Seen" });
  } finally {
    await bus.close();
  }
}
