/**
 * Writes to a filesystem storage until it is killed: `storage_writer.ts <root> <name>`. Says on
 * standard output, line by line, what it is about to write and what was acknowledged, as
 * `begin|done <key> <sha256>`.
 */
import { writeSync } from "node:fs";
import process from "node:process";
import { FileSystemStorageProvider } from "../../storage/adapters/filesystem.ts";
import { sha256Hex } from "../../storage/digest.ts";
import { uploadVerified } from "../../storage/verified.ts";

const [root, name] = process.argv.slice(2) as [string, string];
const storage = new FileSystemStorageProvider({ root });

async function writeForever(lane: number): Promise<never> {
  for (let i = 0;; i++) {
    // Every other object is new, the others are overwritten again and again.
    const key = i % 2 ? `lane-${lane}/new/${name}-${i}` : `lane-${lane}/same`;
    const bytes = new Uint8Array(1 + (i * 7_919) % 60_000).fill(i);
    writeSync(1, `begin ${key} ${sha256Hex(bytes)}\n`);
    const { sha256 } = await uploadVerified(storage, "bucket", key, new Blob([bytes]).stream());
    writeSync(1, `done ${key} ${sha256}\n`);
  }
}

await Promise.all([0, 1, 2].map(writeForever));
