import { serverTarget } from "../../core/redis/channel.ts";
import { CACHE_AREA } from "../../cache/adapters/redis/cache_area.ts";
import { RedisConnection } from "../../core/redis/connection.ts";
import { keysOf } from "../../cache/adapters/redis/keys.ts";
import type { RunScript } from "../../cache/adapters/redis/script.ts";
import { RedisStore } from "../../cache/adapters/redis/store.ts";
import { parseRedisUrl } from "../../core/redis/redis_url.ts";
import { systemClock } from "../../core/clock.ts";
import { silentObserver } from "../../core/observer.ts";

/** A connection that runs scripts, and nothing else. */
export interface RedisScripts extends AsyncDisposable {
  /** Runs a script. */
  readonly run: RunScript;
  /** Every key that was used. */
  readonly keys: ReadonlySet<string>;
}

/** Connects to the server at `url` as the cache does. */
export async function openScripts(url: string, namespace: string): Promise<RedisScripts> {
  const connection = await RedisConnection.open({
    area: CACHE_AREA,
    target: serverTarget({ address: parseRedisUrl(url), connectTimeoutMs: 5_000 }),
    connectTimeoutMs: 5_000,
    clock: systemClock,
    observer: silentObserver,
    prepare: () => Promise.resolve(),
  });
  const keyOf = keysOf(namespace);
  const store = new RedisStore(connection, keyOf, 5_000);
  const keys = new Set<string>();
  const run: RunScript = (script, kind, name, args, call) => {
    keys.add(keyOf(kind, name));
    return store.run(script, kind, name, args, call);
  };
  return {
    run,
    keys,
    [Symbol.asyncDispose]: () => Promise.resolve(connection.close()),
  };
}
