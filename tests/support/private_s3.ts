import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { DebianContainer } from "./debian_container.ts";
import type { DebianRoot } from "./debian_root.ts";
import { freePort } from "./free_port.ts";
import { type S3Gateway, startGateway } from "./s3_gateway.ts";

/** Ceph, which from version 20 on also keeps checksums; forky has 20, trixie 18. */
export const CEPH: DebianRoot = {
  name: "ceph",
  suites: ["forky", "trixie"],
  packages: ["radosgw", "ceph-mon", "ceph-osd"],
};

/** Where Ceph looks for its settings. */
const FOLDER = "/etc/ceph";

/** The name that buckets can be before, as in `http://bucket.s3.test:8000/key`; nothing resolves it. */
export const S3_HOST = "s3.test";

/** As in compose.yaml. */
const USER = { key: "exchange", secret: "exchange-secret" };

/**
 * Only the gateway asks who somebody is. The short intervals are for a start in two seconds instead
 * of twenty, and for `rgw_gc`, what is deleted is in memory for two hours; for `osd_client_watch_timeout`, every change waits after a gateway was killed.
 */
const SETTINGS = `
public_addr = 127.0.0.1
mon_initial_members = a
ms_bind_msgr1 = false
auth_cluster_required = none
auth_service_required = none
auth_client_required = none
ms_mon_client_mode = crc
ms_client_mode = crc
ms_cluster_mode = crc
ms_service_mode = crc

run_dir = ${FOLDER}
mon_data = ${FOLDER}/monitor
osd_data = ${FOLDER}/store
rgw_data = ${FOLDER}/gateway
osd_objectstore = memstore
memstore_device_bytes = ${4 * 1024 ** 3}
mon_data_avail_warn = 2
mon_data_avail_crit = 1
mon_allow_pool_size_one = true
osd_pool_default_size = 1
osd_pool_default_pg_num = 4
osd_crush_chooseleaf_type = 0

paxos_propose_interval = 0.02
paxos_min_wait = 0.01
objecter_tick_interval = 0.1
osd_client_watch_timeout = 1

pid_file =
admin_socket =
log_file =
log_to_stderr = true
debug_mon = 0
debug_osd = 0
rgw_gc_obj_min_wait = 20
rgw_gc_processor_period = 5
rgw_gc_processor_max_time = 5
rgw_dns_name = ${S3_HOST}
debug_rgw = 0
debug_rgw_access = 0
debug_rocksdb = 0
log_max_recent = 1
`;

/**
 * Starts a Ceph of our own with its S3 gateway on a free loopback port; what it stores is in memory.
 * The first time in a checkout, this installs Ceph.
 */
export function startS3(): Promise<S3Gateway> {
  return startGateway(CEPH, FOLDER, async (container) => {
    await startCluster(container, await freePort());
    const port = await freePort();
    // Without `tcp_nodelay`, answers come 40 ms late.
    const listen = `--rgw-frontends=beast endpoint=127.0.0.1:${port} tcp_nodelay=1`;
    return {
      command: ["radosgw", "-f", "--name=client.rgw.a", listen],
      url: `http://${USER.key}:${USER.secret}@127.0.0.1:${port}`,
      healthUrls: [`http://127.0.0.1:${port}/swift/healthcheck`],
    };
  });
}

/** A cluster of one monitor, one store and one user. */
async function startCluster(container: DebianContainer, port: number): Promise<void> {
  const monitor = `[v2:127.0.0.1:${port}]`;
  const [cluster, store] = [crypto.randomUUID(), crypto.randomUUID()];
  const settings = `[global]\nfsid = ${cluster}\nmon_host = ${monitor}\n${SETTINGS}`;
  await writeFile(join(container.folder, "ceph.conf"), settings);
  for (const name of ["monitor", "store", "gateway"]) await mkdir(join(container.folder, name));
  const map = `${FOLDER}/monitors`;
  const create = ["--create", `--fsid=${cluster}`, "--addv", "a", monitor, map];
  await container.run("monmaptool", ...create);
  await container.run("ceph-mon", "--id=a", "--mkfs", `--monmap=${map}`);
  await container.start("ceph-mon", "--id=a", "-f");
  await container.run("ceph", "osd", "new", store, "0");
  await container.run("ceph-osd", "--id=0", "--mkfs", `--osd-uuid=${store}`);
  await container.start("ceph-osd", "--id=0", "-f");
  const user = ["--uid=exchange", "--display-name=exchange"];
  const keys = [`--access-key=${USER.key}`, `--secret-key=${USER.secret}`];
  await container.run("radosgw-admin", "user", "create", ...user, ...keys);
}
