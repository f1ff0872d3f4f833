import { test } from "node:test";
import { S3_VARIABLES } from "../../storage/s3_environment.ts";
import { BUSYBOX } from "./busybox.ts";
import { stopLeftContainers } from "./debian_container.ts";
import { canInstallDebian, DEBIAN_INSTALL_COMMAND, installDebian } from "./debian_root.ts";
import { dropLeftStreams, probeNats } from "./nats.ts";
import { dropLeftDatabases, probePostgres } from "./postgres.ts";
import { isNatsInstalled, startNats, stopLeftNats } from "./private_nats.ts";
import { isPostgresInstalled, startPostgres, stopLeftServers } from "./private_postgres.ts";
import { isRedisInstalled, startRedis, stopLeftRedis } from "./private_redis.ts";
import { isRabbitMqInstalled, startRabbitMq, stopLeftRabbitMq } from "./private_rabbitmq.ts";
import { CEPH, startS3 } from "./private_s3.ts";
import { SWIFT } from "./private_swift.ts";
import { probeRabbitMq } from "./rabbitmq.ts";
import { dropLeftKeys, probeRedis } from "./redis.ts";
import { dropLeftBuckets, probeS3, s3Url, s3Variables } from "./s3.ts";
import { IS_PERMITTED, NEEDS_ALL, readVariable } from "./permitted.ts";
import { skipTest } from "./skip.ts";

/** A server that a test run started for itself. */
export interface PrivateServer extends AsyncDisposable {
  /** Where it answers. */
  readonly url: string;
}

/** Variables of an environment. */
type Variables = Readonly<Record<string, string | undefined>>;

/** How tests get one kind of server. */
export interface ServiceKind {
  /** The variable of the environment that names a server; the same that the library reads. */
  readonly variable: string;
  /** How a URL becomes all variables that the library reads, and back, if it reads more than one. */
  readonly variables?: {
    readonly names: readonly string[];
    readonly write: (url: string) => Record<string, string>;
    readonly read: (variables: Variables) => string | undefined;
  };
  /** Whether its client needs more permissions on Deno than for the network. */
  readonly needsAll?: boolean;
  /** Where to look when the variable is not set, the server of compose.yaml first. */
  readonly loopbackUrls: readonly string[];
  /** Starts the server of compose.yaml. */
  readonly startCommand: string;
  /** Rejects unless tests can use the server at `url`. */
  readonly probe: (url: string) => Promise<void>;
  /** Deletes what killed test files of a run left: on the server at `url`, and servers of their own. */
  readonly cleanUp: (run: string, url: string | undefined) => Promise<void>;
  /** Installs the binaries for {@linkcode ServiceKind.start} on Debian. */
  readonly installCommand: string;
  /** Whether {@linkcode ServiceKind.start} can work on this machine. */
  readonly isInstalled: () => boolean;
  /** Downloads what is not there yet for private servers, so that no test waits for it. */
  readonly prepare?: () => Promise<unknown>;
  /** Starts a server from installed binaries on a free port. */
  readonly start: () => Promise<PrivateServer>;
}

/** The servers that tests know: a new one is one entry here and one service in compose.yaml. */
export const SERVICES = {
  postgres: {
    variable: "DATABASE_URL",
    loopbackUrls: [
      "postgres://exchange:exchange@127.0.0.1:5432/exchange",
      "postgres://postgres@127.0.0.1:5432/postgres",
    ],
    startCommand: "docker compose up --detach --wait postgres",
    probe: probePostgres,
    cleanUp: async (run, url): Promise<void> => {
      await stopLeftServers(run);
      if (url) await dropLeftDatabases(url, run);
    },
    installCommand: "apt-get install postgresql",
    isInstalled: isPostgresInstalled,
    start: () => startPostgres(),
  },
  redis: {
    variable: "REDIS_URL",
    loopbackUrls: ["redis://127.0.0.1:6379"],
    startCommand: "docker compose up --detach --wait redis",
    probe: probeRedis,
    cleanUp: async (run, url): Promise<void> => {
      await stopLeftRedis(run);
      if (url) await dropLeftKeys(url, run);
    },
    installCommand: "apt-get install redis-server",
    isInstalled: isRedisInstalled,
    start: () => startRedis(),
  },
  nats: {
    variable: "NATS_URL",
    loopbackUrls: ["nats://127.0.0.1:4222"],
    startCommand: "docker compose up --detach --wait nats",
    probe: probeNats,
    cleanUp: async (run, url): Promise<void> => {
      await stopLeftNats(run);
      if (url) await dropLeftStreams(url, run);
    },
    installCommand: "apt-get install nats-server",
    isInstalled: isNatsInstalled,
    start: () => startNats(),
  },
  s3: {
    variable: "S3_ENDPOINT",
    variables: { names: S3_VARIABLES, write: s3Variables, read: s3Url },
    needsAll: true,
    loopbackUrls: ["http://exchange:exchange-secret@127.0.0.1:8333"],
    startCommand: "docker compose up --detach --wait s3",
    probe: probeS3,
    cleanUp: async (run, url): Promise<void> => {
      await stopLeftContainers(run);
      if (url) await dropLeftBuckets(url, run);
    },
    installCommand: DEBIAN_INSTALL_COMMAND,
    isInstalled: canInstallDebian,
    prepare: () => Promise.all([BUSYBOX, CEPH, SWIFT].map(installDebian)),
    start: startS3,
  },
  rabbitmq: {
    variable: "RABBITMQ_URL",
    loopbackUrls: [
      "amqp://exchange:exchange@127.0.0.1:5672",
      "amqp://guest:guest@127.0.0.1:5672",
    ],
    startCommand: "docker compose up --detach --wait rabbitmq",
    probe: probeRabbitMq,
    // Suites delete what they make; of a killed one it stays, because the protocol cannot list it.
    cleanUp: stopLeftRabbitMq,
    installCommand: "apt-get install rabbitmq-server",
    isInstalled: isRabbitMqInstalled,
    start: () => startRabbitMq(),
  },
} satisfies Record<string, ServiceKind>;

/** The name of a server that tests know. */
export type ServiceName = keyof typeof SERVICES;

/** The variable that lists the services whose absence is a failure, as `--require` does. */
export const REQUIRED_VARIABLE = "EXCHANGE_TESTS_REQUIRE";

/** Where a server is, or why there is none. */
export type Service =
  & { readonly name: ServiceName }
  & ({ readonly url: string } | { readonly missing: string });

/**
 * Finds a server where the environment says or, if it says nothing, on its standard loopback port.
 * Rejects when the environment names a server that does not answer, because tests that then ran
 * elsewhere would mislead.
 */
export async function findService(name: ServiceName): Promise<Service> {
  const { variable, variables, loopbackUrls, startCommand, probe, needsAll }: ServiceKind =
    SERVICES[name];
  if (needsAll && !IS_PERMITTED) return { name, missing: NEEDS_ALL };
  const given = Object.fromEntries(
    (variables?.names ?? [variable]).map((name) => [name, readVariable(name)]),
  );
  const url = variables ? variables.read(given) : given[variable];
  if (url) {
    await probe(url).catch((error) => {
      throw new Error(`Cannot use the server of ${variable}: ${error.message}`);
    });
    return { name, url };
  }
  for (const url of loopbackUrls) {
    if (await probe(url).then(() => true, () => false)) return { name, url };
  }
  return { name, missing: `no ${name}; start it with: ${startCommand}` };
}

/** The variables that have the library and test files use the server at `url`. */
export function serviceVariables(name: ServiceName, url: string): Record<string, string> {
  const { variable, variables }: ServiceKind = SERVICES[name];
  return variables ? variables.write(url) : { [variable]: url };
}

/** Like `node:test`'s `test`, for a test that needs a server; fits `TestFn` of the conformance suites. */
export type ServiceTest = (name: string, fn: (url: string) => void | Promise<void>) => unknown;

/** Registers a test: `test` of `node:test` or of `permitted.ts`. */
type Register = (name: string, fn: () => void | Promise<void>) => unknown;

/**
 * Returns a `test` whose tests receive the server's URL. Without a server they are skipped, and the
 * skipped name says how to start it; if `--require` names the service, they fail.
 */
export function serviceTest(service: Service, register: Register = test): ServiceTest {
  if ("url" in service) return (name, fn) => register(name, () => fn(service.url));
  return missingTest(service.name, service.missing);
}

/** The same for tests that start a server of their own, in order to harm it. */
export function privateServerTest(
  name: ServiceName,
): (name: string, fn: () => void | Promise<void>) => unknown {
  if (!IS_PERMITTED) return (title) => skipTest(title, NEEDS_ALL);
  const { isInstalled, installCommand }: ServiceKind = SERVICES[name];
  if (isInstalled()) return (title, fn) => test(title, fn);
  return missingTest(name, `${name} is not installed; install it with: ${installCommand}`);
}

function missingTest(service: ServiceName, reason: string): (name: string) => unknown {
  const required = (readVariable(REQUIRED_VARIABLE) ?? "").split(",").includes(service);
  if (!required) return (name) => skipTest(name, reason);
  return (name) =>
    test(name, () => {
      throw new Error(`Cannot run a required test: ${reason}`);
    });
}
