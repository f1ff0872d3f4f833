import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { parse } from "yaml";
import { redisTargetOf } from "../core/redis/redis_source.ts";
import { checkConfig as natsSettings } from "../messaging/adapters/nats/config.ts";
import { checkConfig as rabbitMqSettings } from "../messaging/adapters/rabbitmq/config.ts";
import { test, whenPermitted } from "./support/permitted.ts";
import { s3Access } from "./support/s3.ts";
import { type ServiceName, SERVICES, serviceVariables } from "./support/services.ts";

/** What these tests look at in a service of compose.yaml. */
interface ComposeService {
  readonly image: string;
  readonly ports?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly healthcheck?: { readonly test: readonly string[]; readonly retries: number };
}

const NAMES = Object.keys(SERVICES) as ServiceName[];
const compose = await whenPermitted(() => Promise.resolve(read("compose.yaml")), "");
const services: Readonly<Record<string, ComposeService>> = parse(compose)?.services ?? {};

test("compose.yaml has the servers that tests know, and no others", () => {
  assert.deepEqual(Object.keys(services).toSorted(), NAMES.toSorted());
  for (const name of NAMES) assert.ok(SERVICES[name].startCommand.endsWith(` ${name}`));
});

test("compose.yaml pins the version of each image to the last number", () => {
  for (const { image } of Object.values(services)) {
    assert.match(image, /^[a-z/]+:\d+\.\d+(\.\d+)?(-alpine)?$/);
  }
  assert.match(services["postgres"]!.image, /^postgres:18\./);
  assert.match(services["redis"]!.image, /^valkey\/valkey:8\./);
  assert.match(services["s3"]!.image, /^chrislusf\/seaweedfs:/);
});

test("compose.yaml opens the port where tests look first, to this machine only", () => {
  for (const name of NAMES) {
    const { port } = new URL(firstUrl(name));
    assert.deepEqual(services[name]!.ports, [`127.0.0.1:${port}:${port}`], name);
  }
});

test("compose.yaml waits until each server is healthy", () => {
  for (const [name, { healthcheck }] of Object.entries(services)) {
    assert.match(healthcheck?.test[0] ?? "", /^CMD(-SHELL)?$/, name);
    assert.ok(healthcheck!.retries > 0, name);
  }
});

test("compose.yaml makes the users, passwords and databases that tests use first", () => {
  const postgres = new URL(firstUrl("postgres"));
  assert.deepEqual(services["postgres"]!.environment, {
    POSTGRES_USER: postgres.username,
    POSTGRES_PASSWORD: postgres.password,
    POSTGRES_DB: postgres.pathname.slice(1),
  });
  const rabbitMq = new URL(firstUrl("rabbitmq"));
  assert.deepEqual(services["rabbitmq"]!.environment, {
    RABBITMQ_DEFAULT_USER: rabbitMq.username,
    RABBITMQ_DEFAULT_PASS: rabbitMq.password,
  });
  const { accessKeyId, secretAccessKey } = s3Access(firstUrl("s3"));
  assert.deepEqual(services["s3"]!.environment, {
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
  });
});

test("compose.yaml says the variables that have the library find each server", () => {
  for (const name of NAMES) {
    for (const variable of Object.entries(serviceVariables(name, firstUrl(name)))) {
      assert.ok(compose.includes(`    # ${variable.join("=")}\n`), variable[0]);
    }
  }
});

test("without a URL, the library looks where compose.yaml has its servers", () => {
  assert.equal(redisTargetOf({}, 1).name, new URL(firstUrl("redis")).host);
  const nats = natsSettings({}).servers.map(({ hostname, port }) => `${hostname}:${port}`);
  assert.deepEqual(nats, [new URL(firstUrl("nats")).host]);
  const { host, port } = rabbitMqSettings({}).address;
  assert.equal(`${host}:${port}`, new URL(firstUrl("rabbitmq")).host);
});

test("the README uses the servers of compose.yaml, and no others", () => {
  const readme = read("README.md");
  const urls = readme.match(
    /\b(postgres|redis|nats|amqp|http):\/\/[^"`\s/]*127\.0\.0\.1:\d+[^"`\s]*/g,
  );
  const known = NAMES.map(firstUrl).map((url) =>
    url === firstUrl("s3") ? s3Access(url).endpoint : url
  );
  // The server of the example for presigned URLs is the user's own.
  const others = urls?.filter((url) =>
    !known.includes(url) && !url.startsWith("http://127.0.0.1:8000/")
  );
  assert.deepEqual(others, []);
  const { accessKeyId, secretAccessKey } = s3Access(firstUrl("s3"));
  const credentials = `{ accessKeyId: "${accessKeyId}", secretAccessKey: "${secretAccessKey}" }`;
  assert.ok(readme.includes(credentials));
});

function firstUrl(name: ServiceName): string {
  return SERVICES[name].loopbackUrls[0] ?? "";
}

function read(path: string): string {
  return readFileSync(new URL(`../${path}`, import.meta.url), "utf8");
}
