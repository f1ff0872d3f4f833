import assert from "node:assert/strict";
import { test } from "node:test";
import { type NamedServer, serverNames } from "../../../core/redis/server_names.ts";

const NAMES: readonly [name: string, servers: readonly NamedServer[]][] = [
  ["cache.example:7000", [{ socket: { host: "cache.example", port: 7000 } }]],
  ["[::1]:6379", [{ socket: { host: "::1", port: 6379 } }]],
  ["/run/redis.sock", [{ socket: { path: "/run/redis.sock" } }]],
  ["localhost:6379", [{}]],
  ["a:1 and b:2", [{ socket: { host: "a", port: 1 } }, { socket: { host: "b", port: 2 } }]],
  ["node:7000", [{ url: "redis://user:s3cr3t@node:7000/3" }]],
  ["[::1]:6379", [{ url: "rediss://:s3cr3t@[::1]" }]],
  ["localhost:6379", [{ url: "s3cr3t" }]],
];

for (const [name, servers] of NAMES) {
  test(`${JSON.stringify(servers)} is ${name}`, () => {
    assert.equal(serverNames(servers), name);
  });
}
