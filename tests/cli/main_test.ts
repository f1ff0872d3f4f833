import assert from "node:assert/strict";
import { once } from "node:events";
import { spawn } from "node:child_process";
import type { Socket } from "node:net";
import process from "node:process";
import type { Finding } from "../../cli/doctor/diagnosis.ts";
import type { ServerReport } from "../../cli/doctor/report.ts";
import { VERSION } from "../../cli/version.ts";
import { LoopbackListener } from "../support/loopback_listener.ts";
import { test } from "../support/permitted.ts";
import { signalIfAlive } from "../support/process_signals.ts";
import { runCommand } from "../support/run_command.ts";
import { findService, serviceTest, serviceVariables } from "../support/services.ts";

const redisTest = serviceTest(await findService("redis"), test);
const NO_SERVERS = {
  DATABASE_URL: "",
  REDIS_URL: "",
  NATS_URL: "",
  RABBITMQ_URL: "",
  S3_ENDPOINT: "",
  AWS_ACCESS_KEY_ID: "",
};
const MAIN = [..."Deno" in globalThis ? ["run", "-A"] : [], "cli/main.ts"];

test("it is a program on this runtime, with exit codes", async () => {
  const run = async (...args: string[]) => await runCommand(process.execPath, [...MAIN, ...args]);
  assert.deepEqual(await run("--version"), { code: 0, output: `${VERSION}\n` });
  const wrong = await run("doctor", "--frobnicate");
  assert.equal(wrong.code, 2);
  assert.equal(
    wrong.output,
    "doctor: Cannot use --frobnicate: it is not known; see doctor --help\n",
  );
});

test("it reads the variables of the process, and prints no color into a pipe", async () => {
  const env = { ...NO_SERVERS, DATABASE_URL: "postgres://user:s3cr3t@127.0.0.1:9/x" };
  const { code, output } = await runCommand(process.execPath, [...MAIN, "doctor"], { env });
  assert.equal(code, 1);
  assert.match(output, /failed +reachable: +Cannot open database: the server refused/);
  // deno-lint-ignore no-control-regex
  assert.doesNotMatch(output, /s3cr3t|\x1b/);
});

test("servers that accept and never answer are told by the deadline, and keep no process alive", async () => {
  const sockets = new Set<Socket>();
  const listener = new LoopbackListener({}, (socket) => {
    socket.on("error", () => {});
    sockets.add(socket);
  });
  await listener.up();
  const at = `user:s3cr3t@127.0.0.1:${listener.port}`;
  const env = {
    DATABASE_URL: `postgres://${at}/x`,
    REDIS_URL: `redis://${at}`,
    NATS_URL: `nats://${at}`,
    RABBITMQ_URL: `amqp://${at}`,
    S3_ENDPOINT: `http://127.0.0.1:${listener.port}`,
    AWS_ACCESS_KEY_ID: "user",
    AWS_SECRET_ACCESS_KEY: "s3cr3t",
  };
  const args = [...MAIN, "doctor", "--json", "--timeout-ms", "300"];
  try {
    const { code, output } = await runCommand(process.execPath, args, { env });
    assert.equal(code, 1);
    const findings = JSON.parse(output).servers.flatMap((server: ServerReport) => server.findings);
    assert.deepEqual(
      findings.map(({ level, check }: Finding) => `${level} ${check}`),
      Array.from({ length: 5 }, () => "failed reachable"),
    );
    assert.doesNotMatch(output, /s3cr3t/);
  } finally {
    await listener.down(() => sockets.forEach((socket) => socket.destroy()));
  }
});

for (const name of ["postgres", "redis", "nats", "rabbitmq"] as const) {
  serviceTest(await findService(name), test)(
    `a check of ${name} leaves nothing open`,
    async (url) => {
      const env = { ...NO_SERVERS, ...serviceVariables(name, url) };
      const { code, output } = await runCommand(process.execPath, [...MAIN, "doctor"], { env });
      assert.ok(code !== null && code < 2, output);
      assert.match(output, /^ {2}ok {7}latency: /m);
    },
  );
}

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
