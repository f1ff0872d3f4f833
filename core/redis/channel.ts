import { Buffer } from "node:buffer";
// The package `redis` without its four packages of module commands, which take a third of its import time.
import { createClient, createCluster, RESP_TYPES } from "@redis/client";
import { refuseEdgeConnections } from "../edge.ts";
import type { RedisAddress } from "./redis_url.ts";
import { type NamedServer, serverNames } from "./server_names.ts";
import { channelOf, connected, type SingleLike } from "./client_channel.ts";
import { type ClusterLike, nodesTarget } from "./cluster_nodes.ts";
import { hear, type OpenSubscriber } from "./subscriber.ts";

refuseEdgeConnections(
  "Redis",
  "for a cache use cache/redis-http, write events to the outbox and run its relay elsewhere",
);

/** A command as it is sent. */
export interface RedisCommand {
  /** Its words, the name first. */
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
  /**
   * Connects to one server, of a cluster to any master, for commands that every node takes: they take effect in the
   * order of the calls. Those without a key would go to one node after the other.
   */
  readonly openOne: OpenChannel;
  /** Connects to hear messages; in a cluster from the node that `openOne` has, if there is such a one. */
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
  return singleTarget(
    [{ socket: server.address }],
    () => createClient(clientOptions(server)),
  );
}

function singleTarget(servers: readonly NamedServer[], create: () => unknown): RedisTarget {
  const open: OpenChannel = (signal, onBroken) => openSingle(create(), signal, onBroken);
  return {
    name: serverNames(servers),
    sharded: false,
    open,
    openOne: open,
    subscribe: subscribeSingle(create),
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
  return singleTarget([options], () =>
    client.duplicate({
      ...connectionOptions(),
      socket: { ...options.socket, ...openingOptions(connectTimeoutMs) },
    }));
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
  return channelOf(single, () => single.destroy());
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
