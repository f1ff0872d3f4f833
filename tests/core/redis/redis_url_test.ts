import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import { parseRedisUrl } from "../../../core/redis/redis_url.ts";

test("a URL gives host, port, user, password, database and TLS, decoded", () => {
  assert.deepEqual(parseRedisUrl("redis://localhost"), {
    host: "localhost",
    port: 6379,
    username: "",
    password: "",
    database: 0,
    tls: false,
  });
  assert.deepEqual(parseRedisUrl("rediss://us%40er:p%2Fw%3A@[::1]:7000/12"), {
    host: "::1",
    port: 7000,
    username: "us@er",
    password: "p/w:",
    database: 12,
    tls: true,
  });
  assert.equal(parseRedisUrl("redis://:only@h/").password, "only");
});

const BAD = [
  "",
  "localhost:6379",
  "http://localhost",
  "redis:/localhost",
  "redis://",
  "redis://a,b",
  "redis://h:0",
  "redis://h:99999",
  "redis://h/name",
  "redis://h/-1",
  "redis://h/1/2",
  "redis://user:pa/ss@h",
  "redis://user:pa#ss@h",
  "redis://user:100%@h",
  "redis://h?db=1",
];

for (const url of [...BAD, undefined, 5]) {
  test(`${JSON.stringify(url)} is refused, naming the variable`, () => {
    assert.throws(() => parseRedisUrl(url as string, "REDIS_URL"), (error: Error) => {
      assert.match(error.message, /^Cannot configure: REDIS_URL /);
      return (error as Error & { code?: unknown }).code === "configuration_invalid";
    });
  });
}

test("no error shows the password", () => {
  for (const end of ["@h:0", "@a,b/1/2?x=1", "@h/x#y", "@", "%@h", "/@h", "@h:port"]) {
    assert.throws(() => parseRedisUrl(`redis://user:s3cr3t${end}`), (error: Error) => {
      return !inspect(error, { depth: 10, showHidden: true }).includes("s3cr3t");
    });
  }
});
