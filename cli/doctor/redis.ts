import type { Environment } from "../../core/environment.ts";
import { systemClock } from "../../core/clock.ts";
import { InfrastructureError } from "../../core/errors.ts";
import { silentObserver } from "../../core/observer.ts";
import type { RedisArea } from "../../core/redis/redis_area.ts";
import { parseRedisUrl } from "../../core/redis/redis_url.ts";
import type { RedisConnection } from "../../core/redis/connection.ts";
import type { Diagnosis } from "./diagnosis.ts";
import { roundTrips } from "./round_trips.ts";

/** The oldest that the library is for. */
const MINIMUM = "7";

const AREA: RedisArea = {
  name: "doctor",
  connect: "connecting to Redis",
  subject: "connection",
  errorClass: InfrastructureError,
};

/** Checks the server of `REDIS_URL`, changing nothing. */
export async function checkRedis(
  diagnosis: Diagnosis,
  { REDIS_URL: url = "" }: Environment,
): Promise<void> {
  const connection = await diagnosis.connect(() => targetOf(url), () => open(diagnosis, url));
  if (!connection) return;
  try {
    const send: Send = (...args) =>
      connection.send({ args, readOnly: true }, { ...diagnosis.call, operation: `${args[0]}` });
    await checkInfo(diagnosis, send);
    await checkScripts(diagnosis, send);
    await checkTime(diagnosis, send);
  } finally {
    connection.close();
  }
}

/** Sends a command. */
type Send = (...args: readonly string[]) => Promise<unknown>;

function targetOf(url: string): string {
  const { host, port, database, username } = parseRedisUrl(url);
  return `${host}:${port}, database ${database}${username && `, user ${username}`}`;
}

/** Loads the client only where there is a server for it. */
async function open({ call }: Diagnosis, url: string): Promise<RedisConnection> {
  const { RedisConnection } = await import("../../core/redis/connection.ts");
  const { serverTarget } = await import("../../core/redis/channel.ts");
  const connectTimeoutMs = call.timeoutMs;
  return await RedisConnection.open({
    area: AREA,
    target: serverTarget({ address: parseRedisUrl(url), connectTimeoutMs }),
    connectTimeoutMs,
    clock: systemClock,
    observer: silentObserver,
    prepare: () => Promise.resolve(),
  });
}

async function checkInfo(diagnosis: Diagnosis, send: Send): Promise<void> {
  const fix = "Let the user run INFO, or check the settings of the server by hand";
  await diagnosis.look("settings", fix, async () => {
    const info = parseInfo(String(await send("INFO")));
    const { valkey_version: valkey, redis_version: redis = "unknown" } = info;
    diagnosis.version(valkey ? "Valkey" : "Redis", valkey ?? redis, MINIMUM);
    checkRole(diagnosis, info);
    checkEviction(diagnosis, info);
    checkPersistence(diagnosis, info);
  });
}

type Info = Readonly<Record<string, string | undefined>>;

/** Lines such as `aof_enabled:0`. */
function parseInfo(text: string): Info {
  const pairs = text.split(/\r?\n/).map((line) => line.split(":"));
  return Object.fromEntries(pairs.map(([name, ...value]) => [name, value.join(":")]));
}

function checkRole(diagnosis: Diagnosis, { cluster_enabled: cluster, role }: Info): void {
  if (role === "slave") {
    const fix = "Name the primary in REDIS_URL";
    return diagnosis.fail("role", "a replica, which takes no writes", fix);
  }
  if (cluster !== "1") return diagnosis.ok("role", "a single server, takes writes");
  const fix = "Connect each part by hand, with cluster: [url, …] instead of REDIS_URL";
  diagnosis.warn("role", "a node of a cluster, REDIS_URL is for a single server", fix);
}

function checkEviction(diagnosis: Diagnosis, info: Info): void {
  const { maxmemory = "0", maxmemory_policy: policy = "noeviction" } = info;
  if (maxmemory === "0") return diagnosis.ok("eviction", "none, maxmemory is not set");
  const found = `${policy} above ${Math.round(Number(maxmemory) / 2 ** 20)} MiB`;
  // Streams have no time to live, so the policies for keys that have one leave them alone.
  if (!policy.startsWith("allkeys-")) return diagnosis.ok("eviction", found);
  const fix = "Set maxmemory-policy to a volatile-… one, or use a server of its own for streams";
  diagnosis.warn("eviction", `${found}: streams and their events can be evicted`, fix);
}

function checkPersistence(diagnosis: Diagnosis, { aof_enabled: aof }: Info): void {
  if (aof === "1") return diagnosis.ok("persistence", "appendonly is on");
  const fix = "Set appendonly yes if streams are used; a cache needs none";
  diagnosis.warn("persistence", "appendonly is off: a crash loses events of streams", fix);
}

async function checkScripts(diagnosis: Diagnosis, send: Send): Promise<void> {
  await diagnosis.look("scripts", "Let the user run EVAL and EVALSHA", async () => {
    await send("EVAL", "return 1", "0");
    diagnosis.ok("scripts", "the user may run them");
  });
}

async function checkTime(diagnosis: Diagnosis, send: Send): Promise<void> {
  await diagnosis.look("latency", "Let the user run TIME", async () => {
    const trips = await roundTrips(async () => {
      const [seconds, microseconds] = await send("TIME") as readonly unknown[];
      return Number(String(seconds)) * 1_000 + Number(String(microseconds)) / 1_000;
    }, 5);
    diagnosis.latency(trips);
    diagnosis.clock(trips);
  });
}
