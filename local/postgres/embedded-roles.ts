import { newPassword, setUpRoles } from "../../db/roles/set-up-roles.ts";
import { urlOfRole } from "../../db/roles/url-of-role.ts";

/** The readers of an embedded database: one for the API, one for whoever asks by SQL. */
const API = "escrow_api";
const READER = "escrow_reader";
/** Known to everybody on this machine, who can do no more with it than read public facts. */
const READER_PASSWORD = "reader";

/** What each process connects to; none of them is a superuser. */
export type EmbeddedUrls = { indexer: string; relay: string; api: string; reader: string };

/**
 * Makes the roles of an embedded database, each with a new password at every start: nothing has to
 * keep them. A database of an earlier version is moved to them.
 *
 * @param superuserUrl the database as its superuser
 */
export async function setUpEmbeddedRoles(superuserUrl: string): Promise<EmbeddedUrls> {
  const names = { indexer: "escrow_indexer", relay: "escrow_relay", readers: [API, READER] };
  const passwords = new Map([
    ...[names.indexer, names.relay, API].map((role) => [role, newPassword()] as const),
    [READER, READER_PASSWORD] as const,
  ]);
  await setUpRoles(superuserUrl, { names, passwords, isApplied: true, isStrict: true });
  const urlOf = (role: string) => urlOfRole(superuserUrl, role, passwords.get(role) ?? "");
  return {
    indexer: urlOf(names.indexer),
    relay: urlOf(names.relay),
    api: urlOf(API),
    reader: urlOf(READER),
  };
}
