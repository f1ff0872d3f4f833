import process from "node:process";
import { createClient } from "redis";
import { newId } from "../mod.ts";

/** Where Redis is. */
export const REDIS_URL: string = process.env.REDIS_URL ?? "redis://127.0.0.1:6379";

/** How long values live, in milliseconds. */
export const TTL_MS = 600_000;

/** A namespace of the benchmark's own on the shared server. */
export interface CacheFixture extends AsyncDisposable {
  readonly namespace: string;
}

/** Chooses it; what was written below the namespace is deleted in the end. */
export function openCacheFixture(): CacheFixture {
  const namespace = `bench-${newId()}`;
  const dispose = async (): Promise<void> => {
    const raw = await connectRaw();
    for await (const keys of raw.scanIterator({ MATCH: `*${namespace}*`, COUNT: 1_000 })) {
      if (keys.length > 0) await raw.unlink(keys);
    }
    await raw.close();
  };
  return { namespace, [Symbol.asyncDispose]: dispose };
}

/** A value of 1 KB as JSON, which differs by `index`. */
export function valueOf(index: number): Readonly<Record<string, unknown>> {
  return {
    id: `0192f0c1-7b1e-7cc0-8f00-${String(index).padStart(12, "0")}`,
    slug: `benchmark-${index % 10}`,
    name: "Questions of graduate level",
    category: "reasoning",
    isPublished: true,
    createdAt: "2026-11-22T10:20:30.456Z",
    tags: ["language", "english", "multiple choice", "science"],
    limits: { maxTokens: 4096, temperature: 0.2, timeoutMs: 30_000, retries: null },
    board: Array.from({ length: 5 }, (_, rank) => ({
      rank: rank + 1,
      model: `provider-${rank}/model-${rank}`,
      score: 91.25 - rank,
      submittedAt: 1_795_000_000_000 + rank,
    })),
    description: "Questions that experts answer, and search engines do not. ".repeat(4).trim(),
  };
}

/** Connects the raw client as it comes. */
export function connectRaw() {
  const client = createClient({ url: REDIS_URL });
  client.on("error", (error) => process.stderr.write(`${error}\n`));
  return client.connect();
}
