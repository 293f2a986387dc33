import { randomBytes } from "node:crypto";
import type pg from "pg";
import { ConfigError } from "../../config/config-error.ts";
import { withClient } from "../with-client.ts";
import { planRoles, type RolesPlan } from "./plan-roles.ts";
import { readFacts } from "./read-facts.ts";
import { READER_CONNECTIONS } from "./reader-limits.ts";
import { closeRiskyFunctions } from "./risky-functions.ts";
import type { RoleNames } from "./role-names.ts";

export type SetUpRolesOptions = {
  names: RoleNames;
  /** False: says what would be done. */
  isApplied: boolean;
  /** Passwords that are set, whether a role exists or is made. Others that are made get a random one. */
  passwords?: ReadonlyMap<string, string>;
  /** Connections of each reader. */
  connections?: number;
  /** Whether functions of the server that do more than read are closed to everybody else. */
  isStrict?: boolean;
};

export type RolesSetUp = RolesPlan & {
  /** Random passwords of the roles that were made. */
  made: Map<string, string>;
};

const LOCK_TIMEOUT_MS = 2_000;
const STATEMENT_TIMEOUT_MS = 60_000;
const PASSWORD_BYTES = 24;
const IN_USE = new Set(["55P03", "40P01", "57014"]);

/**
 * Makes the roles of a database and gives each what it needs, in one transaction. What is there
 * already is moved to its owner: a database of a single role becomes one of several.
 *
 * Locks: the relations that get another owner, or another right, exclusively until all is done; waits
 * for none of them longer than two seconds.
 *
 * @param databaseUrl as a role that may make roles and owns the database
 * @throws ConfigError when that role may not, or something is in use; nothing is changed then
 */
export async function setUpRoles(
  databaseUrl: string,
  options: SetUpRolesOptions,
): Promise<RolesSetUp> {
  const { names, isApplied, isStrict = false, connections = READER_CONNECTIONS } = options;
  const all = [names.indexer, names.relay, ...names.readers];
  return await withClient(databaseUrl, async (client) => {
    const facts = await readFacts(client, all);
    const missing = all.filter((name) => !facts.roles.has(name) && !options.passwords?.has(name));
    const made = new Map(missing.map((name) => [name, newPassword()]));
    const passwords = new Map([...(options.passwords ?? []), ...made]);
    const plan = planRoles(facts, { names, passwords, connections });
    const closing = isStrict ? await closeRiskyFunctions(client, names) : [];
    const statements = [...plan.statements, ...(facts.me.isSuperuser ? closing : [])];
    const notes = [
      ...plan.notes,
      ...(closing.length > 0 && !facts.me.isSuperuser
        ? ["--strict needs a superuser: functions that do more than read stay open to everybody"]
        : []),
    ];
    if (isApplied) await apply(client, facts.me, statements);
    return { statements, notes, made };
  });
}

/** One that may stand in a URL as it is. */
export function newPassword(): string {
  return randomBytes(PASSWORD_BYTES).toString("base64url");
}

async function apply(
  client: pg.Client,
  me: { name: string; mayMakeRoles: boolean },
  statements: string[],
): Promise<void> {
  let running = "";
  try {
    await client.query("begin");
    await client.query(`set local lock_timeout = ${LOCK_TIMEOUT_MS}`);
    await client.query(`set local statement_timeout = ${STATEMENT_TIMEOUT_MS}`);
    for (const statement of statements) {
      running = statement;
      await client.query(statement);
    }
    await client.query("commit");
  } catch (error) {
    await client.query("rollback").catch(() => undefined);
    throw refused(error as Error & { code?: string }, me, running);
  }
}

function refused(
  error: Error & { code?: string },
  { name, mayMakeRoles }: { name: string; mayMakeRoles: boolean },
  statement: string,
): Error {
  const where = "ADMIN_DATABASE_URL";
  const what = withoutSecret(statement);
  if (error.code === "42501")
    return new ConfigError(
      [
        {
          where,
          what: `role ${name} may not: ${what} (${error.message}). ${mayMakeRoles ? "Name a role that owns what there is, or a superuser" : "Name a role that may make roles"}; nothing was changed`,
          code: "ES-DATABASE-REFUSED",
        },
      ],
      { cause: error },
    );
  if (IN_USE.has(error.code ?? ""))
    return new ConfigError(
      [
        {
          where,
          what: `something is in use: ${what} (${error.message}). Nothing was changed: try again, or stop the processes for it`,
          code: "ES-NOT-READY",
        },
      ],
      { cause: error },
    );
  return error;
}

function withoutSecret(statement: string): string {
  return statement.replace(/ password .*/, " password …");
}
