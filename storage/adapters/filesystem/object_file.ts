import type { FileHandle } from "node:fs/promises";
import { z } from "zod";
import { assumedNodeModule } from "../../../core/node_module.ts";
import { damaged, type StorageOperation } from "../../failures.ts";
import type { ByteSource } from "../../read_stream.ts";
import type { ObjectMetadata } from "../../storage.ts";
import { hasCode } from "./file_error.ts";

const { constants } = assumedNodeModule("node:fs");
const { open } = assumedNodeModule("node:fs/promises");

/**
 * The file of an object holds its bytes, then what is known about them as JSON, then the length of
 * that JSON (4 bytes, big-endian) and the mark `BXOBJ\0v1`. So bytes and metadata appear and vanish
 * as one, and metadata may depend on bytes that have just been streamed.
 */
const MARK = new TextEncoder().encode("BXOBJ\0v1");
const FOOTER_BYTES = 4 + MARK.byteLength;
/** More than the JSON can have, given the limits of metadata. */
const TAIL_BYTES = 8_192;

/** What the file says about an object besides its bytes. */
export interface ObjectRecord extends Omit<ObjectMetadata, "key" | "lastModified"> {
  /** When it was written, in milliseconds since the Unix epoch. */
  readonly modifiedMs: number;
}

const recordSchema: z.ZodType<ObjectRecord> = z.object({
  size: z.number().int().nonnegative(),
  etag: z.string(),
  contentType: z.string(),
  modifiedMs: z.number(),
  metadata: z.record(z.string(), z.string()),
});

/** Who reads what, for the error. */
export interface Reading {
  /** The method of the port. */
  readonly operation: StorageOperation;
  /** The key of the object. */
  readonly key: string;
}

/** An object file that is open for reading. */
export interface OpenObject {
  /** The file; its first `record.size` bytes are those of the object. */
  readonly handle: FileHandle;
  /** What the file says. */
  readonly record: ObjectRecord;
}

/**
 * Writes a new object file that survives a loss of power once this resolves. Whoever calls this
 * removes the file when it rejects.
 */
export async function writeObjectFile(
  path: string,
  chunks: AsyncIterable<Uint8Array>,
  describe: (size: number) => ObjectRecord,
): Promise<ObjectRecord> {
  const handle = await open(path, "wx", 0o600);
  try {
    let size = 0;
    for await (const chunk of chunks) {
      await writeFully(handle, chunk);
      size += chunk.byteLength;
    }
    const record = describe(size);
    await writeFully(handle, encodeTail(record));
    await handle.sync();
    return record;
  } finally {
    await handle.close();
  }
}

/**
 * Opens an object file; `undefined` if there is none. A symbolic link is not followed. Rejects with
 * code `corrupted` if the file is not a whole one.
 */
export async function openObjectFile(
  path: string,
  reading: Reading,
): Promise<OpenObject | undefined> {
  let handle: FileHandle;
  try {
    handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  } catch (error) {
    if (hasCode(error, "ENOENT", "ENOTDIR", "ELOOP")) return undefined;
    throw error;
  }
  try {
    return { handle, record: await readRecord(handle, reading) };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** The bytes of an open file. */
export function byteSource(handle: FileHandle, toError: (error: unknown) => Error): ByteSource {
  return {
    async read(position: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
      try {
        const bytes = new Uint8Array(length);
        const { bytesRead } = await handle.read(bytes, 0, length, position);
        return bytes.subarray(0, bytesRead);
      } catch (error) {
        throw toError(error);
      }
    },
    close: () => handle.close(),
  };
}

/** Reads only what the file says about the object; otherwise like {@linkcode openObjectFile}. */
export async function readObjectRecord(
  path: string,
  reading: Reading,
): Promise<ObjectRecord | undefined> {
  const object = await openObjectFile(path, reading);
  await object?.handle.close();
  return object?.record;
}

async function readRecord(
  handle: FileHandle,
  { operation, key }: Reading,
): Promise<ObjectRecord> {
  const { size: fileBytes } = await handle.stat();
  const tail = new Uint8Array(Math.min(TAIL_BYTES, fileBytes));
  const { bytesRead } = await handle.read(tail, 0, tail.byteLength, fileBytes - tail.byteLength);
  if (bytesRead < FOOTER_BYTES || bytesRead < tail.byteLength) throw damaged(operation, key);
  const footer = tail.subarray(-FOOTER_BYTES);
  const jsonBytes = new DataView(footer.buffer, footer.byteOffset).getUint32(0);
  const marked = MARK.every((byte, i) => footer[4 + i] === byte);
  if (!marked || jsonBytes > tail.byteLength - FOOTER_BYTES) throw damaged(operation, key);
  const record = parseRecord(tail.subarray(-FOOTER_BYTES - jsonBytes, -FOOTER_BYTES));
  if (record?.size !== fileBytes - jsonBytes - FOOTER_BYTES) throw damaged(operation, key);
  return record;
}

function parseRecord(json: Uint8Array): ObjectRecord | undefined {
  try {
    return recordSchema.parse(JSON.parse(new TextDecoder().decode(json)));
  } catch {
    return undefined;
  }
}

function encodeTail(record: ObjectRecord): Uint8Array {
  const json = new TextEncoder().encode(JSON.stringify(record));
  const tail = new Uint8Array(json.byteLength + FOOTER_BYTES);
  tail.set(json);
  new DataView(tail.buffer).setUint32(json.byteLength, json.byteLength);
  tail.set(MARK, json.byteLength + 4);
  return tail;
}

async function writeFully(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let written = 0; written < bytes.byteLength;) {
    written += (await handle.write(bytes, written)).bytesWritten;
  }
}
