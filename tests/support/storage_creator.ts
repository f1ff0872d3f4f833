/**
 * Creates objects that others want to create, too: `storage_creator.ts <root> <count>`. Says on
 * standard output which ones it got, as a JSON array of keys.
 */
import process from "node:process";
import { FileSystemStorageProvider } from "../../storage/adapters/filesystem.ts";

const [root, count] = process.argv.slice(2) as [string, string];
const storage = new FileSystemStorageProvider({ root });
const created: string[] = [];
for (let i = 0; i < Number(count); i++) {
  const key = `a/${i}`;
  try {
    await storage.upload("bucket", key, `${process.pid}`, { createOnly: true });
    created.push(key);
  } catch (error) {
    if ((error as { code: string }).code !== "already_exists") throw error;
  }
}
process.stdout.write(JSON.stringify(created));
