import { createClient, ErrorReply } from "redis";
import type { RunScript } from "../../cache/adapters/redis/script.ts";
import { CacheError } from "../../core/errors.ts";

/** A bare client that runs scripts as the library does, without its connection. */
export interface PlainScripts {
  /** Runs a script on the key `<namespace>/<kind>:<name>` with EVAL. */
  runScript(namespace: string): RunScript;
  /** Sends one command. */
  send(...args: readonly string[]): Promise<unknown>;
  /** What the server's clock shows, in whole milliseconds, rounded down. */
  now(): Promise<number>;
  /** Waits until so much time has passed on the server's clock. */
  passTime(ms: number): Promise<void>;
  /** Deletes the keys of the namespaces and closes the connection. */
  close(): Promise<void>;
}

/** Connects a {@linkcode PlainScripts} to the server at `url`. */
export async function openPlainScripts(url: string): Promise<PlainScripts> {
  const client = createClient({ url, RESP: 3, maintNotifications: "disabled" });
  const keys = new Set<string>();
  client.on("error", () => {});
  await client.connect();
  const now = async (): Promise<number> => {
    const [seconds, microseconds] = await client.sendCommand(["TIME"]) as unknown as string[];
    return Number(seconds) * 1_000 + Math.floor(Number(microseconds) / 1_000);
  };
  return {
    now,
    send: (...args) => client.sendCommand(args),
    runScript: (namespace) => async ({ text }, kind, name, args, { operation }) => {
      const key = `${namespace}/${kind}:${name}`;
      keys.add(key);
      const script = { keys: [key], arguments: args.map(String) };
      return await client.eval(text, script).catch((error) => {
        throw scriptError(operation, error);
      });
    },
    passTime: async (ms) => {
      const endMs = await now() + ms;
      for (let leftMs = ms; leftMs > 0; leftMs = endMs - await now()) {
        await new Promise((resolve) => setTimeout(resolve, leftMs));
      }
    },
    close: async () => {
      if (keys.size > 0) await client.unlink([...keys]);
      await client.close();
    },
  };
}

function scriptError(operation: string, cause: unknown): CacheError {
  const code = cause instanceof ErrorReply ? "internal" : "unavailable";
  return new CacheError(`Cannot finish ${operation}: the server refused`, {
    code,
    operation,
    cause,
  });
}
