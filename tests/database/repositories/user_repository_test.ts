import { usersConformance } from "../../conformance/users.ts";
import { onPglite, onPostgres } from "../../support/databases.ts";

onPglite(usersConformance);
await onPostgres(usersConformance);
