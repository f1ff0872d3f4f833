import assert from "node:assert/strict";
import { type ErrorCode, InfrastructureError, ValidationError } from "../../../core/errors.ts";
import type { StorageCapabilities, StorageProvider } from "../../../storage/storage.ts";

/** One sentence of the specification and what proves it. */
export interface StorageCase {
  /** The sentence. */
  readonly sentence: string;
  /** Only for adapters that have this capability. */
  readonly needs?: keyof StorageCapabilities;
  /** Only for adapters that do not have this capability. */
  readonly lacks?: keyof StorageCapabilities;
  /** Proves it on a provider and an empty bucket. */
  run(storage: StorageProvider, bucket: string): Promise<void>;
}

/** Asserts that the promise rejects with an error of this library that has the code. */
export async function rejectsWith(promise: Promise<unknown>, code: ErrorCode): Promise<void> {
  await assert.rejects(promise, (error) => {
    assert.ok(error instanceof InfrastructureError, `not an error of the library: ${error}`);
    assert.equal(error.code, code);
    return true;
  });
}

/** Asserts that the promise rejects with a `ValidationError` that names the field. */
export async function refuses(promise: Promise<unknown>, field: string): Promise<void> {
  await assert.rejects(promise, (error) => {
    assert.ok(error instanceof ValidationError, `not a ValidationError: ${error}`);
    assert.equal(error.field, field);
    return true;
  });
}

/** Downloads an object as text. */
export async function downloadText(
  storage: StorageProvider,
  bucket: string,
  key: string,
): Promise<string> {
  return new TextDecoder().decode(await storage.download(bucket, key));
}

/** Reads a stream as text. */
export async function readText(body: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<string> {
  return await new Response(body).text();
}

/** A stream that gives the texts, then ends, or fails with `failure`, or stays open. */
export function streamOf(
  texts: readonly string[],
  end: {
    readonly failure?: unknown;
    readonly stuck?: boolean;
    readonly onCancel?: () => void;
    readonly onEnd?: () => void;
  } = {},
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const rest = [...texts];
  return new ReadableStream({
    pull(controller): void | Promise<void> {
      const text = rest.shift();
      if (text !== undefined) return controller.enqueue(new TextEncoder().encode(text));
      if (end.stuck) return new Promise(() => {});
      if ("failure" in end) return controller.error(end.failure);
      controller.close();
      end.onEnd?.();
    },
    cancel(): void {
      end.onCancel?.();
    },
  });
}

/** How many of the promises were fulfilled, and the codes of the errors of the others. */
export async function outcomes(
  promises: readonly Promise<unknown>[],
): Promise<{ readonly fulfilled: number; readonly codes: readonly string[] }> {
  const results = await Promise.allSettled(promises);
  const failures = results.filter((result) => result.status === "rejected");
  return {
    fulfilled: results.length - failures.length,
    codes: failures.map(({ reason }) => String(reason?.code)),
  };
}
