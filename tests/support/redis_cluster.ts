import { freePort } from "./free_port.ts";
import { type PrivateRedis, startRedis } from "./private_redis.ts";
import { until } from "./until.ts";

/** Three masters of our own that share the slots. */
export interface RedisCluster extends AsyncDisposable {
  /** How to connect to each master. */
  readonly urls: readonly string[];
  /** The masters, in the order of their slots. */
  readonly nodes: readonly PrivateRedis[];
  /** Resolves when every master serves all slots, such as after one was stopped and started. */
  untilReady(): Promise<void>;
}

/** The first and the last slot of each master. */
const SLOT_RANGES = [["0", "5460"], ["5461", "10922"], ["10923", "16383"]] as const;

/** Starts a cluster of three masters without replicas; takes a few seconds. */
export async function startRedisCluster(): Promise<RedisCluster> {
  const started = await Promise.allSettled(SLOT_RANGES.map(startNode));
  const nodes = started.flatMap((node) => node.status === "fulfilled" ? [node.value] : []);
  const dispose = async (): Promise<void> => {
    await Promise.all(nodes.map((node) => node.redis[Symbol.asyncDispose]()));
  };
  try {
    const failed = started.find((node) => node.status === "rejected");
    if (failed) throw failed.reason;
    await join(nodes);
  } catch (error) {
    await dispose();
    throw error;
  }
  const servers = nodes.map((node) => node.redis);
  return {
    urls: servers.map((server) => server.url),
    nodes: servers,
    untilReady: () => untilReady(servers),
    [Symbol.asyncDispose]: dispose,
  };
}

interface Node {
  readonly redis: PrivateRedis;
  /** The port on which the nodes talk to each other. */
  readonly busPort: number;
}

async function startNode(): Promise<Node> {
  // By default it is 10 000 above the port, which can be more than there are.
  const busPort = await freePort();
  const redis = await startRedis({
    settings: {
      "cluster-enabled": true,
      "cluster-port": busPort,
      "cluster-announce-ip": "127.0.0.1",
    },
  });
  return { redis, busPort };
}

/** Gives each node its slots and has each meet each. */
async function join(nodes: readonly Node[]): Promise<void> {
  await Promise.all(nodes.map(async ({ redis }, index) => {
    await redis.command("CLUSTER", "SET-CONFIG-EPOCH", String(index + 1));
    await redis.command("CLUSTER", "ADDSLOTSRANGE", ...SLOT_RANGES[index]!);
  }));
  await Promise.all(
    nodes.map(({ redis }, index) =>
      Promise.all(
        nodes.slice(index + 1).map((other) =>
          redis.command(
            "CLUSTER",
            "MEET",
            "127.0.0.1",
            String(other.redis.port),
            String(other.busPort),
          )
        ),
      )
    ),
  );
  await untilReady(nodes.map((node) => node.redis));
}

function untilReady(nodes: readonly PrivateRedis[]): Promise<void> {
  const isReady = async (node: PrivateRedis): Promise<boolean> => {
    const lines = String(await node.command("CLUSTER", "INFO")).split("\r\n");
    return ["cluster_state:ok", "cluster_slots_ok:16384", "cluster_size:3", "cluster_known_nodes:3"]
      .every((line) => lines.includes(line));
  };
  return until(
    "every node of the cluster knows the others",
    async () => (await Promise.all(nodes.map(isReady))).every(Boolean),
    60_000,
  );
}
