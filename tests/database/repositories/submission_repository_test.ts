import { submissionsConformance } from "../../conformance/submissions.ts";
import { onPglite, onPostgres } from "../../support/databases.ts";

onPglite(submissionsConformance);
await onPostgres(submissionsConformance);
