import { organizationsConformance } from "../../conformance/organizations.ts";
import { onPglite, onPostgres } from "../../support/databases.ts";

onPglite(organizationsConformance);
await onPostgres(organizationsConformance);
