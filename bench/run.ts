// `deno task bench [name …] [--rounds N]`: all benchmarks, or those whose names begin like that.
import process from "node:process";
import { benchBulkInsert } from "./bulk_insert.ts";
import { benchCacheHit } from "./cache_hit.ts";
import { benchCacheImport } from "./cache_import.ts";
import { benchCacheRedis } from "./cache_redis.ts";
import { benchCacheRoom } from "./cache_room.ts";
import { benchCacheStampede } from "./cache_stampede.ts";
import { benchEvents } from "./events.ts";
import { benchLeaderboard } from "./leaderboard.ts";
import { benchMemory } from "./memory.ts";
import { benchOutbox } from "./outbox.ts";
import { benchImportCost } from "./import_cost.ts";
import { withPeers } from "./peers.ts";
import { benchPointRead } from "./point_read.ts";
import { benchStorageLarge } from "./storage_large.ts";
import { benchStorageListing } from "./storage_listing.ts";
import { benchStorageSmall } from "./storage_small.ts";
import { benchStreams } from "./streams.ts";

const BENCHMARKS: Readonly<Record<string, (rounds: number) => Promise<void>>> = {
  "point-read": benchPointRead,
  "bulk-insert": benchBulkInsert,
  "import-cost": benchImportCost,
  "memory": benchMemory,
  "leaderboard": benchLeaderboard,
  "outbox": benchOutbox,
  "cache-redis": withPeers("cache-redis", benchCacheRedis),
  "cache-hit": withPeers("cache-hit", benchCacheHit),
  "cache-stampede": withPeers("cache-stampede", benchCacheStampede),
  "cache-room": benchCacheRoom,
  "cache-import": benchCacheImport,
  "events": benchEvents,
  "streams": withPeers("streams", benchStreams),
  "storage-small": withPeers("storage-small", benchStorageSmall),
  "storage-large": withPeers("storage-large", benchStorageLarge),
  "storage-listing": benchStorageListing,
};

const { names, rounds } = parse(process.argv.slice(2));
for (const name of names) await BENCHMARKS[name]?.(rounds);

function parse(args: readonly string[]): { names: readonly string[]; rounds: number } {
  const at = args.indexOf("--rounds");
  const rounds = at < 0 ? 21 : Number(args[at + 1]);
  const wanted = args.filter((_, index) => at < 0 || (index !== at && index !== at + 1));
  return { names: wanted.length > 0 ? wanted.flatMap(namesLike) : Object.keys(BENCHMARKS), rounds };
}

function namesLike(wanted: string): string[] {
  const names = Object.keys(BENCHMARKS);
  const found = names.filter((name) => name === wanted || name.startsWith(`${wanted}-`));
  if (found.length === 0) throw new Error(`No benchmark ${wanted}; there are ${names}`);
  return found;
}
