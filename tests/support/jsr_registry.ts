import type { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { FetchServer } from "./fetch_server.ts";
import { runChecked } from "./run_command.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** A version that was published. */
interface PublishedVersion {
  readonly scope: string;
  readonly name: string;
  readonly version: string;
  /** The paths of its files, such as `/core/mod.ts`, with their bytes. */
  readonly files: ReadonlyMap<string, Buffer>;
}

/**
 * A registry on loopback that speaks as much of JSR's protocol as it takes to publish a version and to
 * add it to a project. So what is tested is what `deno publish` sends, with the specifiers that it rewrites.
 * It serves what it was sent, unchecked, to a Deno whose `JSR_URL` is its `url`.
 */
export class JsrRegistry implements AsyncDisposable {
  /** Where it answers, with a slash at the end. */
  readonly url: string;
  readonly #server: FetchServer;
  readonly #versions: PublishedVersion[];

  private constructor(server: FetchServer, versions: PublishedVersion[]) {
    this.url = server.url;
    this.#server = server;
    this.#versions = versions;
  }

  /** Starts an empty registry. */
  static async start(): Promise<JsrRegistry> {
    const versions: PublishedVersion[] = [];
    return new JsrRegistry(
      await FetchServer.start((request) => answer(versions, request)),
      versions,
    );
  }

  /** Publishes this package as it is in the working tree. Runs on Deno only. */
  async publish(): Promise<void> {
    // The checks are a step of `deno task check`. The token is any: JSR_URL alone decides who gets it.
    const args = ["publish", "--allow-dirty", "--no-check", "--no-provenance", "--token", "local"];
    await runChecked(process.execPath, args, { cwd: ROOT, env: { JSR_URL: this.url } });
  }

  /** The paths of all published files, in order. */
  paths(): string[] {
    return this.#versions.flatMap(({ files }) => [...files.keys()]).sort();
  }

  /** Stops it. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#server[Symbol.asyncDispose]();
  }
}

async function answer(versions: PublishedVersion[], request: Request): Promise<Response> {
  const { pathname } = new URL(request.url);
  const [, scope, name, version] =
    /^\/api\/scopes\/([^/]+)\/packages\/([^/]+)(?:\/versions\/([^/]+))?$/.exec(pathname) ?? [];
  if (scope && name && version && request.method === "POST") {
    versions.push({ scope, name, version, files: await unpack(await request.arrayBuffer()) });
    return Response.json({ id: crypto.randomUUID(), status: "success" });
  }
  if (version) {
    return Response.json({ code: "packageVersionNotFound", message: "" }, { status: 404 });
  }
  if (scope) return Response.json({ scope, name });
  return versions.map((published) => read(published, pathname)).find((found) => found) ??
    new Response(null, { status: 404 });
}

async function unpack(tarball: ArrayBuffer): Promise<Map<string, Buffer>> {
  const work = await mkdtemp(join(tmpdir(), "exchange-jsr-"));
  try {
    const [packed, unpacked] = [join(work, "sent.tgz"), join(work, "unpacked")];
    await writeFile(packed, new Uint8Array(tarball));
    await mkdir(unpacked);
    await runChecked("tar", ["-xzf", packed, "-C", unpacked]);
    const files = new Map<string, Buffer>();
    for (const entry of await readdir(unpacked, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const path = join(entry.parentPath, entry.name);
      files.set(path.slice(unpacked.length).replaceAll("\\", "/"), await readFile(path));
    }
    return files;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** The two documents that Deno reads about a package, and its files. */
function read(
  { scope, name, version, files }: PublishedVersion,
  path: string,
): Response | undefined {
  const base = `/@${scope}/${name}`;
  if (path === `${base}/meta.json`) {
    return Response.json({ scope, name, latest: version, versions: { [version]: {} } });
  }
  if (path === `${base}/${version}_meta.json`) {
    const { exports } = JSON.parse(files.get("/deno.json")!.toString());
    const manifest = [...files].map(([file, bytes]) => {
      const checksum = `sha256-${createHash("sha256").update(bytes).digest("hex")}`;
      return [file, { size: bytes.length, checksum }];
    });
    return Response.json({ exports, manifest: Object.fromEntries(manifest) });
  }
  const prefix = `${base}/${version}`;
  const file = path.startsWith(`${prefix}/`) && files.get(path.slice(prefix.length));
  return file ? new Response(new Uint8Array(file)) : undefined;
}
