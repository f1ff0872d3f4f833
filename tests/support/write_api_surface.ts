// Writes `tests/api_surface.txt`: `deno task api`, for a change of the public interface that is meant.
import { writeFile } from "node:fs/promises";
import { apiSurface } from "./api_surface.ts";

await writeFile("tests/api_surface.txt", apiSurface());
