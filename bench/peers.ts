import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import process from "node:process";
import { fileURLToPath, pathToFileURL } from "node:url";
import { runChecked } from "../tests/support/run_command.ts";
import { scriptArguments } from "./own_process.ts";

/**
 * What the library is compared with, apart from its own dependencies: the peers want other versions
 * of `redis` and `kysely`, and nothing but a benchmark needs them.
 */
const PACKAGES = {
  "@aws-sdk/client-s3": "3.1175.0",
  "@aws-sdk/lib-storage": "3.1175.0",
  "@keyv/redis": "5.1.6",
  "bentocache": "1.6.1",
  "bullmq": "6.7.0",
  "cacheable": "2.5.0",
  "ioredis": "5.11.1",
  "keyv": "5.6.0",
  "pg-boss": "12.38.0",
  "unstorage": "1.17.6",
};

const FOLDER = fileURLToPath(new URL("../.cache/peers/", import.meta.url));

/** Set in the process that can import peers, where that takes one of its own. */
const VARIABLE = "EXCHANGE_BENCH_PEERS";

/** The module that exports them. */
const ENTRY = `
export { GetObjectCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
export { Upload } from "@aws-sdk/lib-storage";
export { BentoCache, bentostore } from "bentocache";
export { Queue, Worker } from "bullmq";
export { PgBoss } from "pg-boss";
export { memoryDriver } from "bentocache/drivers/memory";
export { redisDriver as bentoRedisDriver } from "bentocache/drivers/redis";
export { Cacheable } from "cacheable";
export { createKeyv } from "@keyv/redis";
export { Keyv } from "keyv";
export { Redis } from "ioredis";
export { createStorage } from "unstorage";
export { default as unstorageRedisDriver } from "unstorage/drivers/redis";
`;

/** Imports the peers; they have no types here, because checking must not need what only a benchmark installs. */
// deno-lint-ignore no-explicit-any
export async function importPeers(): Promise<any> {
  return await import(pathToFileURL(`${FOLDER}entry.mjs`).href);
}

/** Makes a benchmark of one that imports peers. */
export function withPeers(
  name: string,
  run: (rounds: number) => Promise<void>,
): (rounds: number) => Promise<void> {
  return async (rounds) => {
    await installPeers();
    // Where Deno manages `node_modules`, it finds packages in no other folder.
    if (!("Deno" in globalThis) || process.env[VARIABLE]) return await run(rounds);
    const script = fileURLToPath(new URL("run.ts", import.meta.url));
    const child = spawn(
      process.execPath,
      [...scriptArguments(script), name, "--rounds", String(rounds)],
      { stdio: "inherit", env: { ...process.env, [VARIABLE]: "1" } },
    );
    const [code] = await once(child, "exit");
    if (code !== 0) throw new Error(`The benchmark ${name} ended with ${code}`);
  };
}

async function installPeers(): Promise<void> {
  const manifest = JSON.stringify({ private: true, dependencies: PACKAGES });
  const installed = `${FOLDER}installed.json`;
  await mkdir(FOLDER, { recursive: true });
  await writeFile(`${FOLDER}entry.mjs`, ENTRY);
  if (await readFile(installed, "utf8").catch(() => "") === manifest) return;
  await writeFile(`${FOLDER}package.json`, manifest);
  const quiet = ["--no-audit", "--no-fund", "--ignore-scripts"];
  await runChecked("npm", ["install", "--prefix", FOLDER, ...quiet]);
  await writeFile(installed, manifest);
}
