import { createTestDatabase } from "./postgres.ts";
import { dropStreams } from "./nats.ts";
import { RabbitMqPlace } from "./rabbitmq.ts";
import { RedisRestBridge } from "./redis_rest_bridge.ts";
import { dropBuckets, testBucket } from "./s3.ts";
import { type Service, serviceVariables } from "./services.ts";

/** The channel and the group that the program uses on every server. */
const CHANNEL = "events:user";
const GROUP = "all";

/** Where `fixtures/use_with_permissions.ts` uses a part of the package. */
export interface UsePlace extends AsyncDisposable {
  /** The URLs of the servers. */
  readonly urls: readonly string[];
  /** What it can make there: a bucket, a prefix, a channel. */
  readonly name: string;
  /** What has the library find the servers. */
  readonly env: Readonly<Record<string, string>>;
}

/** Makes room on servers; disposing deletes what was made there, but for keys in Redis, which go with the run. */
export async function openUsePlace(
  services: readonly Service[],
  { overHttp = false }: { readonly overHttp?: boolean | undefined } = {},
): Promise<UsePlace> {
  const urls = new Map(services.map((service) => [service.name, urlOf(service)]));
  const name = testBucket();
  const [postgres, s3, nats, rabbitmq] = (["postgres", "s3", "nats", "rabbitmq"] as const)
    .map((kind) => urls.get(kind));
  const database = postgres && await createTestDatabase(postgres);
  if (database) urls.set("postgres", database.url);
  const bridge = overHttp ? await RedisRestBridge.start(urls.get("redis") ?? "") : undefined;
  const variables = [...urls].map(([kind, url]) => serviceVariables(kind, url));
  return {
    urls: bridge ? [bridge.url.replace("//", `//${bridge.token}@`)] : [...urls.values()],
    name,
    env: Object.assign({}, ...variables),
    [Symbol.asyncDispose]: async () => {
      await bridge?.[Symbol.asyncDispose]();
      if (database) await database.drop();
      if (s3) await dropBuckets(s3, name);
      if (nats) await dropStreams(nats, name);
      if (!rabbitmq) return;
      const place = new RabbitMqPlace(rabbitmq, name);
      place.note(CHANNEL, GROUP);
      await place.clear();
    },
  };
}

function urlOf(service: Service): string {
  if ("url" in service) return service.url;
  throw new Error(service.missing);
}
