import { adminSection } from "../config/process-config.ts";
import { checkDatabase } from "../db/check-database.ts";
import { READER_CONNECTIONS } from "../db/roles/reader-limits.ts";
import { USUAL_ROLES } from "../db/roles/role-names.ts";
import { setUpRoles } from "../db/roles/set-up-roles.ts";
import { urlOfRole } from "../db/roles/url-of-role.ts";
import { embeddedSuperuser } from "../local/postgres/superuser.ts";
import { defineCommand } from "./command.ts";
import { flag, repeated, withDefault } from "./command-option.ts";
import { schemaName as roleName, wholeNumber } from "./option-values.ts";
import { runProcess } from "./run-command.ts";

export const dbRoles = defineCommand({
  name: "db:roles",
  says: `Makes three roles in the database and gives each what it needs: the indexer owns the deployments and the views, the relay owns the journal, a reader reads the views and the feed and nothing else. What a database of a single role holds already is moved to its owner. Prints the statements, unless --apply runs them; run again, it changes nothing.

ADMIN_DATABASE_URL names the database as a role that may make roles and owns it; a superuser can limit readers more.`,
  options: {
    apply: flag("runs the statements, in one transaction, and prints the URLs of new roles"),
    indexer: withDefault("<role>", "owner of the deployments", USUAL_ROLES.indexer, roleName),
    relay: withDefault("<role>", "owner of the journal", USUAL_ROLES.relay, roleName),
    reader: repeated(
      "<role>",
      `who only reads; default ${USUAL_ROLES.readers.join(", ")}. One for each program or person`,
      roleName,
    ),
    connections: withDefault(
      "<n>",
      "how many connections a reader may have",
      String(READER_CONNECTIONS),
      wholeNumber(1, 10_000),
    ),
    strict: flag(
      "closes functions of the server that do more than read (advisory locks, large objects) to everybody else; for a database that nothing else uses",
    ),
  },
  config: { databaseUrl: adminSection },
  dataDir: "finds",
  run: async ({ options, config, dataDir, env }) => {
    const databaseUrl = embeddedSuperuser(dataDir, env) ?? config.databaseUrl;
    await checkDatabase(databaseUrl, { variable: "ADMIN_DATABASE_URL", use: "connect" });
    const { indexer, relay, apply, strict, connections } = options;
    const readers = options.reader.length === 0 ? USUAL_ROLES.readers : options.reader;
    const { statements, notes, made } = await setUpRoles(databaseUrl, {
      ...{ names: { indexer, relay, readers }, connections },
      ...{ isApplied: apply, isStrict: strict },
    });
    if (apply) console.log(`${statements.length} statements were run`);
    else console.log(["begin", ...statements, "commit"].map((each) => `${each};`).join("\n"));
    for (const note of notes) console.log(`-- not enforced: ${note}`);
    for (const [role, password] of made)
      console.log(`-- ${role}: ${urlOfRole(databaseUrl, role, password)}`);
    return 0;
  },
});

if (import.meta.main) await runProcess(dbRoles);
