import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { DebianContainer } from "./debian_container.ts";
import type { DebianRoot } from "./debian_root.ts";
import { freePort } from "./free_port.ts";
import { type S3Gateway, startGateway } from "./s3_gateway.ts";

/** OpenStack Swift. Its S3 is other code than Ceph's, and refuses some of what that lets pass. */
export const SWIFT: DebianRoot = {
  name: "swift",
  suites: ["trixie"],
  packages: ["swift-proxy", "swift-account", "swift-container", "swift-object", "memcached"],
};

const PYTHON = "/usr/bin/python3";

/** Where Swift looks for its settings. */
const FOLDER = "/etc/swift";

/** The servers that keep what the gateway stores. */
const STORES = ["account", "container", "object"] as const;

/** The sections of a file of settings. */
type Settings = Readonly<Record<string, Readonly<Record<string, string | number | boolean>>>>;

/** For all servers of one Swift. */
const COMMON: Settings = {
  "swift-hash": { swift_hash_path_prefix: "exchange", swift_hash_path_suffix: "exchange" },
  "swift-constraints": { max_object_name_length: 1024 },
  "storage-policy:0": { name: "only", default: true },
};

/** What a request passes in the gateway, in this order. */
const FILTERS: Settings = {
  catch_errors: {},
  gatekeeper: {},
  healthcheck: {},
  memcache: {},
  listing_formats: {},
  s3api: { location: "us-east-1", max_multi_delete_objects: 1000 },
  tempauth: { user_test_tester: "testing .admin" },
  copy: {},
  slo: { min_segment_size: 1 },
};

/** Writes where each store is. Swift's own tool would need a second for each. */
const WRITE_RINGS = `
import sys
from swift.common.ring import RingBuilder
for name, port in zip(sys.argv[1::2], map(int, sys.argv[2::2])):
    builder = RingBuilder(1, 1, 0)
    builder.add_dev(dict(id=0, region=1, zone=1, device='disk', weight=1.0, meta='',
        ip='127.0.0.1', port=port, replication_ip='127.0.0.1', replication_port=port))
    builder.rebalance()
    builder.get_ring().save('${FOLDER}/%s.ring.gz' % name)
`;

/**
 * Starts a Swift of our own with its S3 gateway on a free loopback port; its region is us-east-1. The
 * first time in a checkout, this installs Swift.
 */
export function startSwift(): Promise<S3Gateway> {
  return startGateway(SWIFT, FOLDER, async (container) => {
    const stores = await startStores(container);
    const cachePort = await freePort();
    await container.start("memcached", "-u", "root", "-l", "127.0.0.1", "-p", `${cachePort}`);
    const port = await freePort();
    await writeSettings(container, "proxy", gatewaySettings(port, cachePort));
    return {
      command: serverCommand("proxy"),
      url: `http://test%3Atester:testing@127.0.0.1:${port}`,
      healthUrls: [...stores, port].map((port) => `http://127.0.0.1:${port}/healthcheck`),
    };
  });
}

/** Returns the ports of the stores. */
async function startStores(container: DebianContainer): Promise<number[]> {
  await mkdir(join(container.folder, "devices", "disk"), { recursive: true });
  await writeSettings(container, "swift", COMMON);
  const ports: number[] = [];
  for (const name of STORES) {
    const port = await freePort();
    ports.push(port);
    await writeSettings(container, name, storeSettings(name, port));
  }
  const rings = STORES.flatMap((name, index) => [name, `${ports[index]}`]);
  await container.run(PYTHON, "-c", WRITE_RINGS, ...rings);
  for (const name of STORES) await container.start(...serverCommand(name));
  return ports;
}

function serverCommand(name: string): [string, ...string[]] {
  return [PYTHON, `/usr/bin/swift-${name}-server`, `${FOLDER}/${name}.conf`, "--verbose"];
}

function storeSettings(name: string, port: number): Settings {
  return {
    DEFAULT: {
      ...listenOn(port),
      devices: `${FOLDER}/devices`,
      mount_check: false,
      disable_fallocate: true,
    },
    "pipeline:main": { pipeline: `healthcheck ${name}-server` },
    "filter:healthcheck": { use: "egg:swift#healthcheck" },
    [`app:${name}-server`]: { use: `egg:swift#${name}`, recon_cache_path: FOLDER },
  };
}

function gatewaySettings(port: number, cachePort: number): Settings {
  const filters = Object.entries(FILTERS).map(([name, settings]) =>
    [`filter:${name}`, { use: `egg:swift#${name}`, ...settings }] as const
  );
  return {
    DEFAULT: { ...listenOn(port), memcache_servers: `127.0.0.1:${cachePort}` },
    "pipeline:main": { pipeline: [...Object.keys(FILTERS), "proxy-server"].join(" ") },
    "app:proxy-server": { use: "egg:swift#proxy", account_autocreate: true },
    ...Object.fromEntries(filters),
  };
}

/** One process for each server, which says what is wrong. */
function listenOn(port: number): Settings[string] {
  const process = { workers: 0, user: "root", log_level: "WARNING" };
  return { bind_ip: "127.0.0.1", bind_port: port, ...process };
}

async function writeSettings(
  container: DebianContainer,
  name: string,
  settings: Settings,
): Promise<void> {
  const sections = Object.entries(settings).map(([section, values]) =>
    `[${section}]\n${Object.entries(values).map((entry) => `${entry.join(" = ")}\n`).join("")}`
  );
  await writeFile(join(container.folder, `${name}.conf`), sections.join("\n"));
}
