import { IS_PERMITTED, NEEDS_ALL } from "./permitted.ts";
import { skipTest } from "./skip.ts";

/**
 * Registers tests that start package managers and other runtimes by themselves: to run them on one
 * runtime is enough. It is Deno, because only Deno packs and publishes.
 */
export async function onDenoOnly(
  name: string,
  register: () => void | Promise<void>,
): Promise<void> {
  if (!("Deno" in globalThis)) skipTest(name, "runs the other runtimes by itself, on Deno only");
  else if (IS_PERMITTED) await register();
  else skipTest(name, NEEDS_ALL);
}
