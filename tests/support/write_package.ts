// Writes the tarball for npm: `deno task pack`.
import { packPackage } from "./packed_package.ts";

console.log(await packPackage(".", []));
