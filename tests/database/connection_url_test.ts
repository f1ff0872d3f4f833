import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import fc from "fast-check";
import { ConfigurationError } from "../../core/errors.ts";
import { type ConnectionSettings, parseConnectionUrl } from "../../database/connection_url.ts";

const DEFAULTS: ConnectionSettings = {
  host: "localhost",
  port: 5432,
  user: "postgres",
  password: "",
  database: "db",
  tls: "disable",
  caFile: undefined,
  applicationName: "benchmark-exchange",
};

const GOOD: readonly [url: string, settings: Partial<ConnectionSettings>][] = [
  ["postgres:///db", {}],
  ["postgresql:///db", {}],
  ["POSTGRES://localhost/db", {}],
  [" postgres://localhost/db\n", {}],
  ["postgres://ada@localhost/db", { user: "ada" }],
  ["postgres://ada:pw@localhost/db", { user: "ada", password: "pw" }],
  ["postgres://ada:@localhost/db", { user: "ada" }],
  ["postgres://:pw@localhost/db", { password: "pw" }],
  ["postgres://ada:p%40%2F%3A%23%3F%25w@localhost/db", { user: "ada", password: "p@/:#?%w" }],
  ["postgres://ada:p@w@localhost/db", { user: "ada", password: "p@w" }],
  ["postgres://ada:a b@localhost/db", { user: "ada", password: "a b" }],
  ["postgres://ada:%F0%9F%94%91@localhost/db", { user: "ada", password: "🔑" }],
  ["postgres://a%2Fda@localhost/db", { user: "a/da" }],
  ["postgres://localhost:5433/db", { port: 5433 }],
  ["postgres://localhost:65535/db", { port: 65535 }],
  ["postgres://127.0.0.1/db", { host: "127.0.0.1" }],
  ["postgres://[::1]/db", { host: "::1" }],
  ["postgres://[::1]:5433/db", { host: "::1", port: 5433 }],
  ["postgres://[2001:db8::1]/db", { host: "2001:db8::1", tls: "verify" }],
  ["postgres://db.example.org/db", { host: "db.example.org", tls: "verify" }],
  ["postgres://127.0.0.2/db", { host: "127.0.0.2", tls: "verify" }],
  ["postgres://localhost.example.org/db", { host: "localhost.example.org", tls: "verify" }],
  ["postgres://%2Frun%2Fpostgresql/db", { host: "/run/postgresql" }],
  ["postgres://localhost/my%20db", { database: "my db" }],
  ["postgres://localhost/a%2Fb", { database: "a/b" }],
  ["postgres://localhost/db?sslmode=disable", {}],
  ["postgres://localhost/db?sslmode=require", { tls: "verify" }],
  ["postgres://localhost/db?sslmode=verify-ca", { tls: "verify" }],
  ["postgres://localhost/db?sslmode=verify-full", { tls: "verify" }],
  ["postgres://h.example/db?sslmode=disable", { host: "h.example" }],
  ["postgres://localhost/db?sslrootcert=/etc/ca.pem", { caFile: "/etc/ca.pem" }],
  ["postgres://localhost/db?application_name=a%20b", { applicationName: "a b" }],
];

const BAD: readonly [url: unknown, problem: RegExp][] = [
  [undefined, /is not a URL/],
  [null, /is not a URL/],
  ["", /is not a URL/],
  ["s3cr3t", /is not a URL/],
  ["ada:s3cr3t@localhost/db", /must start with postgres/],
  ["mysql://ada:s3cr3t@localhost/db", /must start with postgres/],
  ["https://ada:s3cr3t@localhost/db", /must start with postgres/],
  ["postgres:ada:s3cr3t@localhost/db", /must start with postgres/],
  ["postgres:/localhost/s3cr3t", /percent-encoded/],
  ["postgres://ada:s3cr3t@/db", /is not a URL/],
  ["postgres://ada:s3cr3t@localhost", /must name a database/],
  ["postgres://ada:s3cr3t@localhost/", /must name a database/],
  ["postgres://ada:s3cr3t@localhost:0/db", /port from 1/],
  ["postgres://ada:s3cr3t@localhost:65536/db", /is not a URL/],
  ["postgres://ada:s3cr3t@localhost:abc/db", /is not a URL/],
  ["postgres://ada:s3cr3t@a,b/db", /must name one host/],
  ["postgres://ada:s3cr3t@a:1,b:2/db", /is not a URL/],
  ["postgres://ada:s3cr3t@[::1/db", /is not a URL/],
  // Passwords whose special characters were not encoded.
  ["postgres://ada:pw/s3cr3t@localhost/db", /is not a URL/],
  ["postgres://ada:12/s3cr3t@localhost/db", /percent-encoded/],
  ["postgres://ada:pw?s3cr3t@localhost/db", /is not a URL/],
  ["postgres://ada:12?s3cr3t@localhost/db", /must have no parameters but/],
  ["postgres://ada:12?s3cr3t=1@localhost/db", /must have no parameters but/],
  [
    "postgres://ada:12?sslmode=s3cr3t@localhost/db",
    /sslmode disable or verify-full, got something/,
  ],
  ["postgres://ada:12#s3cr3t@localhost/db", /percent-encoded/],
  ["postgres://ada:s3cr3t@localhost/db#x", /percent-encoded/],
  ["postgres://ada:s3cr3t@localhost/db/extra", /percent-encoded/],
  ["postgres://ada:50%s3cr3t@localhost/db", /password that is not percent-encoded UTF-8/],
  ["postgres://ada:s3cr3t%@localhost/db", /password that is not percent-encoded UTF-8/],
  ["postgres://ada:s3cr3t%ff@localhost/db", /password that is not percent-encoded UTF-8/],
  ["postgres://ad%zz:s3cr3t@localhost/db", /user that is not percent-encoded UTF-8/],
  ["postgres://ada:s3cr3t@localhost/%zz", /database that is not percent-encoded UTF-8/],
  // NUL ends a part in the protocol, and the next part begins.
  ["postgres://ada:s3cr3t%00@localhost/db", /password/],
  ["postgres://ada%00database%00other:s3cr3t@localhost/db", /user/],
  ["postgres://ada:s3cr3t@localhost/db%00x", /database/],
  ["postgres://ada:s3cr3t@local%0Ahost/db", /control character in its host/],
  [
    "postgres://ada:s3cr3t@localhost/db?application_name=a%0Ab",
    /control character in its application_name/,
  ],
  // Modes that do not verify, and parameters that nobody would heed.
  ["postgres://ada:s3cr3t@localhost/db?sslmode=allow", /got allow/],
  ["postgres://ada:s3cr3t@localhost/db?sslmode=prefer", /got prefer/],
  ["postgres://ada:s3cr3t@localhost/db?sslmode=no-verify", /got no-verify/],
  ["postgres://ada:s3cr3t@localhost/db?sslmode=", /got something else/],
  ["postgres://ada:s3cr3t@localhost/db?sslmode=constructor", /got something else/],
  ["postgres://ada:s3cr3t@localhost/db?sslmode=verify-full&sslmode=disable", /each at most once/],
  ["postgres://ada:s3cr3t@localhost/db?ssl=true", /must have no parameters but/],
  ["postgres://ada:s3cr3t@localhost/db?host=other", /must have no parameters but/],
  ["postgres://ada@localhost/db?password=s3cr3t", /must have no parameters but/],
];

for (const [url, settings] of GOOD) {
  test(`${JSON.stringify(url)} is understood`, () => {
    assert.deepEqual(parseConnectionUrl(url), { ...DEFAULTS, ...settings });
  });
}

for (const [url, problem] of BAD) {
  test(`${JSON.stringify(url)} is refused without showing the password`, () => {
    const error = refusal(url);
    assert.match(error.message, problem);
    assert.equal(error.code, "configuration_invalid");
    assert.ok(error.problems.every((one) => one.startsWith("DATABASE_URL ")));
    assert.ok(!everything(error).includes("s3cr3t"), everything(error));
  });
}

test("every problem is listed at once, under the name that was given", () => {
  const error = refusal("mysql://u:s3cr3t@a,b:0/?sslmode=prefer&x=1", "REPLICA_URL");
  assert.equal(error.problems.length, 6);
  assert.ok(error.problems.every((one) => one.startsWith("REPLICA_URL ")));
});

test("what is percent-encoded comes back as it was, whatever it is", () => {
  // Unpaired surrogates cannot be encoded, and control characters are refused.
  const part = fc.string({ unit: "grapheme", minLength: 1 })
    // deno-lint-ignore no-control-regex
    .filter((text) => text.isWellFormed() && !/[\0-\x1f\x7f]/.test(text));
  // A URL takes these out of its path, and they cannot be encoded otherwise.
  const path = part.filter((text) => text !== "." && text !== "..");
  fc.assert(fc.property(part, part, path, (user, password, database) => {
    const [u, p, d] = [user, password, database].map(encodeURIComponent);
    const settings = parseConnectionUrl(`postgres://${u}:${p}@localhost/${d}`);
    assert.deepEqual(settings, { ...DEFAULTS, user, password, database });
  }));
});

test("a password that is not encoded is never shown, whatever it is", () => {
  const noise = fc.string({ unit: fc.constantFrom(..."/?#@:%&=+[]\\ 12a") });
  fc.assert(fc.property(noise, noise, (before, after) => {
    const url = `postgres://ada:${before}s3cr3t${after}@localhost/db`;
    try {
      parseConnectionUrl(url);
    } catch (error) {
      assert.ok(error instanceof ConfigurationError);
      assert.ok(!everything(error).includes("s3cr3t"), everything(error));
    }
  }));
});

function refusal(url: unknown, name?: string): ConfigurationError {
  try {
    parseConnectionUrl(url as string, name);
  } catch (error) {
    assert.ok(error instanceof ConfigurationError);
    return error;
  }
  throw new assert.AssertionError({ message: "it was understood" });
}

/** Where an error can show something. */
function everything(error: Error): string {
  const shown = inspect(error, { depth: 10, showHidden: true });
  // The frames name this file only.
  return [error.message, error.stack, shown, JSON.stringify(error), String(error.cause)].join("\n");
}
