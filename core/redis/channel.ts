import { Buffer } from "node:buffer";
// The package `redis` without its four packages of module commands, which take a third of its import time.
import { createClient, createCluster, RESP_TYPES } from "@redis/client";
import type { RedisAddress } from "./redis_url.ts";
import { replyCode } from "./redis_error.ts";
import { type NamedServer, serverNames } from "./server_names.ts";
import { hear, type HearingClient, type OpenSubscriber } from "./subscriber.ts";

/** A command as it is sent. */
export interface RedisCommand {
  /** Its words, the name first. Bytes have to be a `Buffer`: the client fails for others, without saying so. */
  readonly args: readonly (string | Uint8Array)[];
  /** The key that decides which node of a cluster gets it; none for any node. */
  readonly key?: string;
  /** Whether it changes nothing. */
  readonly readOnly?: boolean;
  /** Whether it can be sent again, once, on a new connection when the old one broke. */
  readonly repeatable?: boolean;
}

/** One connection to a server, or to all masters of a cluster. Texts arrive as bytes. */
export interface RedisChannel {
  /** Sends a command and resolves with the reply. Commands for one key take effect in the order of the calls. */
  send(command: RedisCommand): Promise<unknown>;
  /** One function for each master, which sends a command there. */
  masters(): Promise<((args: readonly string[]) => Promise<unknown>)[]>;
  /** Ends the connection at once. */
  destroy(): void;
}

/**
 * Opens a {@linkcode RedisChannel}; rejects if the server cannot be reached, or with the signal's
 * reason. Calls `onBroken` at most once, when an open channel cannot be trusted any more.
 */
export type OpenChannel = (
  signal: AbortSignal,
  onBroken: (error: unknown) => void,
) => Promise<RedisChannel>;

/** What to connect to. */
export interface RedisTarget {
  /** Where it is, for errors; shows no secret. */
  readonly name: string;
  /** Whether a command with several keys needs them to be in one slot. */
  readonly sharded: boolean;
  /** Connects. */
  readonly open: OpenChannel;
  /** Connects to hear messages. */
  readonly subscribe: OpenSubscriber;
}

/** What the adapter needs of a client of the package `redis`: a single one or a cluster. */
export interface RedisClientLike {
  /** A client with the same options, not connected yet. */
  duplicate(overrides?: Record<string, unknown>): unknown;
}

/** How to reach one server. */
export interface ServerAddress {
  /** Where it is. */
  readonly address: RedisAddress;
  /** The certificate authorities, as PEM, where the system's own do not do. */
  readonly ca?: string | undefined;
  /** How long its socket may take to open, in milliseconds. */
  readonly connectTimeoutMs: number;
}

/** One server. */
export function serverTarget(server: ServerAddress): RedisTarget {
  return {
    name: serverNames([{ socket: server.address }]),
    sharded: false,
    open: (signal, onBroken) => openSingle(createClient(clientOptions(server)), signal, onBroken),
    subscribe: subscribeSingle(() => createClient(clientOptions(server))),
  };
}

/** All masters of a cluster, which one of these servers is asked for; the others are as the first is. */
export function clusterTarget(servers: readonly [ServerAddress, ...ServerAddress[]]): RedisTarget {
  return nodesTarget(servers.map(({ address }) => ({ socket: address })), (known) =>
    createCluster({
      ...NODES_OPTIONS,
      RESP: 3,
      rootNodes: [...servers.map((server) => ({ socket: socketOptions(server) })), ...known],
      defaults: clientOptions(servers[0]),
      commandOptions: commandOptions(),
    }));
}

/** What a client that was passed in would connect to; that one itself is not touched. */
export function targetLike(client: RedisClientLike, connectTimeoutMs: number): RedisTarget {
  if (isCluster(client)) return clusterLike(client, connectTimeoutMs);
  const { options = {} } = client as unknown as SingleLike;
  const create = (): unknown =>
    client.duplicate({
      ...connectionOptions(),
      socket: { ...options.socket, ...openingOptions(connectTimeoutMs) },
    });
  return {
    name: serverNames([options]),
    sharded: false,
    open: (signal, onBroken) => openSingle(create(), signal, onBroken),
    subscribe: subscribeSingle(create),
  };
}

function clusterLike(
  client: RedisClientLike & ClusterLike,
  connectTimeoutMs: number,
): RedisTarget {
  const { rootNodes = [], defaults, nodeAddressMap } = client._options ?? {};
  return nodesTarget(rootNodes, (known) =>
    client.duplicate({
      ...NODES_OPTIONS,
      commandOptions: commandOptions(),
      rootNodes: [
        ...rootNodes.map((node) => ({ ...node, socket: { ...node.socket } })),
        ...(nodeAddressMap ? [] : known),
      ],
      defaults: {
        ...defaults,
        ...connectionOptions(),
        socket: { ...defaults?.socket, ...openingOptions(connectTimeoutMs) },
      },
    }));
}

/** Nodes are connected to when they are needed, so that one that is away is missed by its own keys only. */
const NODES_OPTIONS = { minimizeConnections: true } as const;

/** Where a node of a cluster is. */
interface NodeAddress {
  readonly host: string;
  readonly port: number;
}

/** A cluster can also be found again by the nodes that it had the last time. */
function nodesTarget(
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
  const subscribe = subscribeNodes(() => create(known) as ClusterLike);
  return { name: serverNames(servers), sharded: true, open, subscribe };
}

/** What is used of a client for one server. */
interface SingleLike extends HearingClient {
  readonly isReady: boolean;
  readonly options?: NamedServer;
  on(event: "error" | "end", listener: (error: unknown) => void): unknown;
  connect(): Promise<unknown>;
  destroy(): void;
}

/** What is used of a client for a cluster. */
interface ClusterLike {
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

function isCluster<T>(client: T): client is T & ClusterLike {
  return typeof (client as Partial<ClusterLike>).nodeClient === "function";
}

async function openSingle(
  client: unknown,
  signal: AbortSignal,
  onBroken: (error: unknown) => void,
): Promise<RedisChannel> {
  const single = client as SingleLike;
  // Any error ends it, also one that leaves the client "ready": its replies may be shifted then.
  single.on("error", onBroken);
  single.on("end", onBroken);
  await connected(single, signal);
  return {
    send: ({ args }) => single.sendCommand(args),
    masters: () => Promise.resolve([(args) => single.sendCommand(args)]),
    destroy: () => single.destroy(),
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
    send: ({ key, readOnly, args }) => cluster.sendCommand(key, readOnly, args),
    masters: async () => {
      const nodes = await Promise.all(cluster.masters.map((node) => cluster.nodeClient(node)));
      return nodes.map((node) => (args: readonly string[]) => node.sendCommand(args));
    },
    destroy: () => cluster.destroy(),
  };
}

function subscribeSingle(create: () => unknown): OpenSubscriber {
  return async (signal, onBroken) => {
    const client = create() as SingleLike;
    client.on("error", onBroken);
    client.on("end", onBroken);
    await connected(client, signal);
    return hear(client, () => client.destroy(), onBroken);
  };
}

/** Hears what any node of a cluster hears: they pass messages on to each other. */
function subscribeNodes(create: () => ClusterLike): OpenSubscriber {
  return async (signal, onBroken) => {
    const cluster = create();
    cluster.on("error", onBroken);
    cluster.on("node-error", onBroken);
    const client = await connected(cluster, signal, async () => {
      const { masters } = cluster;
      const node = await cluster.nodeClient(masters[Math.floor(Math.random() * masters.length)]);
      node.on("end", onBroken);
      return node;
    });
    return hear(client, () => cluster.destroy(), onBroken);
  };
}

/**
 * Resolves when the client is connected and `prepare` is done; destroys it when that fails or the signal
 * aborts before.
 */
async function connected<T = void>(
  client: SingleLike | ClusterLike,
  signal: AbortSignal,
  prepare?: () => Promise<T>,
): Promise<T> {
  const destroy = (): void => client.destroy();
  signal.addEventListener("abort", destroy, { once: true });
  try {
    await client.connect();
    signal.throwIfAborted();
    const prepared = await prepare?.();
    signal.throwIfAborted();
    return prepared as T;
  } catch (error) {
    client.destroy();
    throw error;
  } finally {
    signal.removeEventListener("abort", destroy);
  }
}

/**
 * Broken connections are replaced, by new clients: a client of the package would go on with shifted replies. One
 * that is destroyed while its socket opens goes on with that, so the socket has a deadline of its own.
 */
function openingOptions(connectTimeoutMs: number) {
  const connectTimeout = Math.min(connectTimeoutMs, LONGEST_TIMER_MS);
  return { reconnectStrategy: false, connectTimeout, noDelay: true } as const;
}

const LONGEST_TIMER_MS = 2 ** 31 - 1;

// Each client gets objects of its own, because it changes the ones that it is given.
function clientOptions(server: ServerAddress) {
  const { database, username, password } = server.address;
  return {
    ...connectionOptions(),
    socket: socketOptions(server),
    database,
    ...(username && { username }),
    ...(password && { password }),
  };
}

function socketOptions({ address: { host, port, tls }, ca, connectTimeoutMs }: ServerAddress) {
  const socket = { host, port, ...openingOptions(connectTimeoutMs) };
  return tls ? { ...socket, tls: true as const, ...(ca && { ca }) } : socket;
}

function connectionOptions() {
  return {
    RESP: 3 as const,
    // What waits in a queue of the client would be sent after its caller has gone.
    disableOfflineQueue: true,
    // Else the client reads the environment, which Deno has to permit.
    maintNotifications: "disabled" as const,
    commandOptions: commandOptions(),
  };
}

/** Values arrive as bytes; the client's own timeout would not end a command that was sent. */
function commandOptions() {
  return { timeout: undefined, typeMapping: { [RESP_TYPES.BLOB_STRING]: Buffer } };
}
