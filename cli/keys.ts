import type pg from "pg";
import { newKey, SCOPES, type Scope, sha256Of } from "../apps/api/access/api-key.ts";
import { addKey, ensureKeyTable, readKeys, revokeKey } from "../apps/api/access/key-table.ts";
import { ConfigError } from "../config/config-error.ts";
import { EXIT_NEGATIVE } from "../config/error-catalogue.ts";
import { databaseSection } from "../config/process-config.ts";
import { checkDatabase } from "../db/check-database.ts";
import { withClient } from "../db/with-client.ts";
import { defineCommand } from "./command.ts";
import { optional } from "./command-option.ts";
import { duration } from "./option-values.ts";
import { runProcess } from "./run-command.ts";

type Words = { action: "create" | "revoke"; name: string } | { action: "list" };

export const keys = defineCommand({
  name: "keys",
  says: `Makes, lists and revokes keys of the API. As soon as there is one, the API answers nobody without. A new key is printed once; only its SHA-256 is stored. Every instance knows of a change within seconds.`,
  options: {
    scopes: optional("<list>", "default: read,feed", scopeList),
    expires: optional("<time>", "such as 90d; default: never", duration),
  },
  words: { usage: "create <name> | revoke <name> | list", read: readWords },
  config: { databaseUrl: databaseSection },
  dataDir: "finds",
  exits1When: "there is no such key to revoke, or one of that name already",
  run: async ({ options, words, config: { databaseUrl } }) => {
    await checkDatabase(databaseUrl);
    return await withClient(databaseUrl, async (client) => {
      await ensureKeyTable(client);
      if (words.action === "list") return await list(client);
      if (words.action === "revoke") return await revoke(client, words.name);
      return await create(client, words.name, options);
    });
  },
});

async function create(
  client: pg.Client,
  name: string,
  { scopes = [...SCOPES], expires }: { scopes?: Scope[] | undefined; expires?: number | undefined },
): Promise<number> {
  const key = newKey();
  const expiresAt = expires === undefined ? null : new Date(Date.now() + expires);
  if (!(await addKey(client, { name, sha256: sha256Of(key), scopes, expiresAt }))) {
    console.error(`there is a key "${name}" already; names are not given again`);
    return EXIT_NEGATIVE;
  }
  console.log(key);
  return 0;
}

async function revoke(client: pg.Client, name: string): Promise<number> {
  if (await revokeKey(client, name)) return 0;
  console.error(`there is no key "${name}"`);
  return EXIT_NEGATIVE;
}

async function list(client: pg.Client): Promise<number> {
  for (const { name, scopes, createdAtMs, expiresAtMs, revokedAtMs } of (await readKeys(client)) ??
    [])
    console.log(
      [
        name,
        scopes.join(","),
        `created ${isoTime(createdAtMs)}`,
        expiresAtMs === null ? "never expires" : `expires ${isoTime(expiresAtMs)}`,
        ...(revokedAtMs === null ? [] : [`revoked ${isoTime(revokedAtMs)}`]),
      ].join("  "),
    );
  return 0;
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}

function readWords([action, name, ...more]: string[]): Words {
  if (action === "list" && name === undefined) return { action };
  if ((action === "create" || action === "revoke") && name !== undefined && more.length === 0) {
    if (/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/.test(name)) return { action, name };
    throw new Error(
      `"${name}" is not a name: expected up to 63 letters, digits, dots, dashes and underscores`,
    );
  }
  throw new ConfigError([
    { where: "arguments", what: "expected create <name>, revoke <name> or list; see --help" },
  ]);
}

function scopeList(text: string): Scope[] {
  const asked = text.split(",");
  const wrong = asked.find((each) => !SCOPES.some((scope) => scope === each));
  if (wrong !== undefined)
    throw new Error(`"${wrong}" is not a scope: expected ${SCOPES.join(", ")}`);
  return SCOPES.filter((scope) => asked.includes(scope));
}

if (import.meta.main) await runProcess(keys);
