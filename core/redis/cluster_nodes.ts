import type { OpenChannel, RedisChannel, RedisTarget } from "./channel.ts";
import { channelOf, connected, type SingleLike, words } from "./client_channel.ts";
import { replyCode } from "./redis_error.ts";
import { type NamedServer, serverNames } from "./server_names.ts";
import { hear } from "./subscriber.ts";

/** Where a node of a cluster is. */
interface NodeAddress {
  readonly host: string;
  readonly port: number;
}

/** What is used of a client for a cluster. */
export interface ClusterLike {
  readonly masters: readonly NodeAddress[];
  readonly _options?: {
    readonly rootNodes?: readonly NamedServer[];
    readonly defaults?: { readonly socket?: object };
    readonly nodeAddressMap?: unknown;
  };
  on(event: "error", listener: (error: unknown) => void): unknown;
  on(event: "node-ready", listener: (node: NodeAddress) => void): unknown;
  on(event: "node-error", listener: (error: unknown, node: NodeAddress) => void): unknown;
  connect(): Promise<unknown>;
  nodeClient(node: unknown): SingleLike | Promise<SingleLike>;
  sendCommand(
    key: string | undefined,
    readOnly: boolean | undefined,
    args: readonly (string | Uint8Array)[],
  ): Promise<unknown>;
  destroy(): void;
}

/** A cluster can also be found again by the nodes that it had the last time. */
export function nodesTarget(
  servers: readonly NamedServer[],
  create: (known: readonly { readonly socket: NodeAddress }[]) => unknown,
): RedisTarget {
  let known: readonly { readonly socket: NodeAddress }[] = [];
  const open: OpenChannel = async (signal, onBroken) => {
    const cluster = create(known) as ClusterLike;
    const channel = await openNodes(cluster, signal, onBroken);
    known = cluster.masters.map(({ host, port }) => ({ socket: { host, port } }));
    return channel;
  };
  const chosen: ChosenNode = { node: undefined };
  const openNode = (signal: AbortSignal, onBroken: (error: unknown) => void): Promise<OneNode> =>
    openOneNode(create(known) as ClusterLike, signal, onBroken, chosen);
  return {
    name: serverNames(servers),
    sharded: true,
    open,
    openOne: async (signal, onBroken) => {
      const { client, node, destroy } = await openNode(signal, onBroken);
      chosen.node = node;
      return channelOf(client, destroy);
    },
    subscribe: async (signal, onBroken) => {
      const { client, destroy } = await openNode(signal, onBroken);
      return hear(client, destroy, onBroken);
    },
  };
}

async function openNodes(
  cluster: ClusterLike,
  signal: AbortSignal,
  onBroken: (error: unknown) => void,
): Promise<RedisChannel> {
  const ready = new Set<string>();
  let refusal: unknown;
  // That one node does not tell where the others are; the next is asked, and who needs the answer hears of it.
  cluster.on("error", (error) => {
    // What a node replies says more than that another is away.
    if (refusal === undefined || replyCode(error) !== undefined) refusal = error;
  });
  cluster.on("node-ready", ({ host, port }) => ready.add(`${host}:${port}`));
  cluster.on("node-error", (error, { host, port }) => {
    // One that could not be reached fails its own commands, and is tried again with the next.
    if (ready.has(`${host}:${port}`)) onBroken(error);
  });
  // The client itself says only that no node could be asked.
  await connected(cluster, signal).catch((error) => Promise.reject(refusal ?? error));
  return {
    send: ({ key, readOnly, args }) => cluster.sendCommand(key, readOnly, words(args)),
    masters: async () => {
      const nodes = await Promise.all(cluster.masters.map((node) => cluster.nodeClient(node)));
      return nodes.map((node) => (args: readonly string[]) => node.sendCommand(args));
    },
    destroy: () => cluster.destroy(),
  };
}

/** The node that all of one kind are at, so that one of them is not ahead of another. */
interface ChosenNode {
  node: NodeAddress | undefined;
}

/** One node of a cluster. */
interface OneNode {
  readonly client: SingleLike;
  readonly node: NodeAddress;
  readonly destroy: () => void;
}

/** Connects to the chosen node or any other: they pass messages on to each other. */
async function openOneNode(
  cluster: ClusterLike,
  signal: AbortSignal,
  onBroken: (error: unknown) => void,
  chosen: ChosenNode,
): Promise<OneNode> {
  let taken: NodeAddress | undefined;
  let refusal: unknown;
  cluster.on("error", (error) => refusal ??= error);
  cluster.on("node-error", (error, node) => {
    refusal ??= error;
    if (taken && isSameNode(node, taken)) onBroken(error);
  });
  return await connected(cluster, signal, async () => {
    for (const node of inOrder(cluster.masters, chosen.node)) {
      const find = async (): Promise<SingleLike> => await cluster.nodeClient(node);
      const client = await find().catch(() => undefined);
      signal.throwIfAborted();
      if (!client) continue;
      taken = node;
      client.on("end", onBroken);
      return { client, node, destroy: () => cluster.destroy() };
    }
    throw refusal;
  }).catch((error) => {
    // What a node replies says more than that none could be asked.
    throw refusal ?? error;
  });
}

/** The chosen one first, then all from any on. */
function inOrder(masters: readonly NodeAddress[], chosen?: NodeAddress): readonly NodeAddress[] {
  const start = Math.floor(Math.random() * masters.length);
  const rotated = [...masters.slice(start), ...masters.slice(0, start)];
  const first = rotated.filter((one) => chosen && isSameNode(one, chosen));
  return [...first, ...rotated.filter((one) => !first.includes(one))];
}

function isSameNode(one: NodeAddress, other: NodeAddress): boolean {
  return one.host === other.host && one.port === other.port;
}
