import { assumedNodeModule } from "../../../core/node_module.ts";
import type { ListRequest } from "../../listing.ts";
import { hasCode } from "./file_error.ts";
import { type DecodedName, decodeName } from "./object_names.ts";

const { readdir } = assumedNodeModule("node:fs/promises");
const { join } = assumedNodeModule("node:path");

interface Entry extends DecodedName {
  readonly path: string;
}

/**
 * Goes through the names of a bucket in order: keys and, if folded, common prefixes. Reads only
 * directories that can hold a name that was asked for. Symbolic links and foreign files are no
 * part of it.
 */
export async function* walk(
  directory: string,
  request: Omit<ListRequest, "limit">,
  base = "",
): AsyncGenerator<string> {
  const { prefix, after, folded } = request;
  for (const { kind, text, path } of await readEntries(directory, base)) {
    if (kind === "object") {
      if (text.startsWith(prefix) && text > after) yield text;
    } else if (!canHold(text, request)) {
      continue;
    } else if (folded && text.endsWith("/") && text.length > prefix.length) {
      if (text > after && await holdsObject(path)) yield text;
    } else {
      yield* walk(path, request, text);
    }
  }
}

/** Whether a directory whose keys all begin with `text` can have one that was asked for. */
function canHold(text: string, { prefix, after }: Omit<ListRequest, "limit">): boolean {
  if (!text.startsWith(prefix) && !prefix.startsWith(text)) return false;
  return text > after || after.startsWith(text);
}

async function holdsObject(directory: string): Promise<boolean> {
  const names = walk(directory, { prefix: "", after: "", folded: false });
  const { done } = await names.next();
  await names.return(undefined);
  return !done;
}

async function readEntries(directory: string, base: string): Promise<Entry[]> {
  const entries: Entry[] = [];
  for (const dirent of await readDirectory(directory)) {
    const decoded = decodeName(dirent.name);
    const fits = decoded?.kind === "object" ? dirent.isFile() : dirent.isDirectory();
    if (!decoded || !fits) continue;
    const text = base + decoded.text;
    entries.push({ kind: decoded.kind, text, path: join(directory, dirent.name) });
  }
  return entries.sort((a, b) => a.text < b.text ? -1 : 1);
}

async function readDirectory(path: string): Promise<
  readonly { readonly name: string; isFile(): boolean; isDirectory(): boolean }[]
> {
  try {
    return await readdir(path, { withFileTypes: true });
  } catch (error) {
    // Its last object was deleted meanwhile.
    if (hasCode(error, "ENOENT")) return [];
    throw error;
  }
}
