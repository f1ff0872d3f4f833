import { gzipSync } from "node:zlib";
import { build, type Metafile } from "esbuild";

/** How much a program that imports an entry point of ours loads at its start. */
export interface BundleSize {
  /** The minified code, in bytes. */
  readonly bytes: number;
  /** The same, compressed. */
  readonly gzipped: number;
}

/**
 * Bundles an entry point with everything that it imports, split where it imports only later, and measures what is
 * loaded at once.
 */
export async function bundleSize(entry: string): Promise<BundleSize> {
  const { outputFiles, metafile } = await build({
    entryPoints: { entry },
    bundle: true,
    splitting: true,
    minify: true,
    format: "esm",
    platform: "node",
    outdir: "out",
    write: false,
    metafile: true,
    logLevel: "silent",
    // Native packages that clients look for and do without.
    external: ["pg-native", "@node-rs/*", "*.wasm"],
  });
  const loaded = loadedAtOnce(metafile);
  const files = outputFiles.filter(({ path }) => loaded.some((name) => path.endsWith(name)));
  const sizes = files.map(({ contents }) => [contents.byteLength, gzipSync(contents).byteLength]);
  return {
    bytes: sizes.reduce((sum, [bytes]) => sum + bytes!, 0),
    gzipped: sizes.reduce((sum, [, gzipped]) => sum + gzipped!, 0),
  };
}

function loadedAtOnce({ outputs }: Metafile): string[] {
  const loaded = new Set(["out/entry.js"]);
  for (const name of loaded) {
    for (const { path, kind } of outputs[name]?.imports ?? []) {
      if (kind === "import-statement" && path in outputs) loaded.add(path);
    }
  }
  return [...loaded];
}
