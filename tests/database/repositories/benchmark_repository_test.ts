import { benchmarksConformance } from "../../conformance/benchmarks.ts";
import { onPglite, onPostgres } from "../../support/databases.ts";

onPglite(benchmarksConformance);
await onPostgres(benchmarksConformance);
