import { type RawBuilder, sql } from "kysely";
import type { Condition } from "./ranges.ts";

const ROLES = ["payer", "payee", "arbiter"];

/**
 * An address in one of some roles, as alternatives of one role each: so each is searched in the
 * index of its role. Who has two roles in an escrow counts in the first.
 */
export function roleConditions(
  address: RawBuilder<unknown>,
  asked: readonly string[] | null | undefined,
): Condition[][] {
  const roles = ROLES.filter((role) => asked == null || asked.includes(role));
  return roles.map((role, at) => [
    sql`${sql.ref(role)} = ${address}`,
    ...roles
      .slice(0, at)
      .map((before) => sql<boolean>`${sql.ref(before)} is distinct from ${address}`),
  ]);
}
