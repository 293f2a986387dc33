import { db } from "ponder:api";
import { escrow } from "ponder:schema";
import { and, desc, eq, inArray, or, sql } from "ponder";
import type { Hex } from "../events/escrow-event.ts";
import type { EscrowState } from "../projections/escrow.ts";
import { parseAddress, parseChainId, parseStatuses, type Status } from "./parse-query.ts";
import { badRequest } from "./request-error.ts";

/** Which escrows to list. */
export type EscrowFilter = {
  chainId?: number;
  payer?: Hex;
  payee?: Hex;
  arbiter?: Hex;
  /** In any role. */
  party?: Hex;
  statuses?: Status[];
};

export type EscrowPage = { escrows: EscrowState[]; next: string | null };

type Condition = NonNullable<ReturnType<typeof and>>;

const ROLES = ["payer", "payee", "arbiter", "party"] as const;

/** @throws 400 for a value of the wrong form, or a parameter that there is none of */
export function parseFilter(query: Record<string, string>): EscrowFilter {
  const { chainId, status, limit: _limit, cursor: _cursor, at: _at, ...rest } = query;
  const filter: EscrowFilter = {};
  for (const role of ROLES) {
    const value = rest[role];
    delete rest[role];
    if (value !== undefined) filter[role] = parseAddress(role, value);
  }
  const [unknown] = Object.keys(rest);
  if (unknown !== undefined)
    throw badRequest(
      unknown,
      `there is no such parameter: expected chainId, ${ROLES.join(", ")}, status, limit, cursor or at`,
    );
  if (chainId !== undefined) filter.chainId = parseChainId("chainId", chainId);
  if (status !== undefined) filter.statuses = parseStatuses(status);
  return filter;
}

/**
 * Lists escrows, the newest first. A page goes on behind the last row of the one before it, so
 * that what is created meanwhile neither repeats nor hides a row.
 */
export async function readEscrowPage(
  filter: EscrowFilter,
  limit: number,
  cursor: string | undefined,
): Promise<EscrowPage> {
  const rows = await db
    .select()
    .from(escrow)
    .where(and(...conditions(filter), cursor === undefined ? undefined : isBehind(cursor)))
    .orderBy(desc(createdBlock), desc(escrow.chainId), desc(escrow.address))
    .limit(limit + 1);
  const escrows = rows.slice(0, limit);
  const last = escrows.at(-1);
  return { escrows, next: rows.length > limit && last ? cursorOf(last) : null };
}

const createdBlock = sql`coalesce(${escrow.createdBlock}, 0)`;

function conditions({
  chainId,
  payer,
  payee,
  arbiter,
  party,
  statuses,
}: EscrowFilter): Condition[] {
  const all = [
    chainId === undefined ? undefined : eq(escrow.chainId, chainId),
    payer && eq(escrow.payer, payer),
    payee && eq(escrow.payee, payee),
    arbiter && eq(escrow.arbiter, arbiter),
    party && or(eq(escrow.payer, party), eq(escrow.payee, party), eq(escrow.arbiter, party)),
    statuses && inArray(escrow.status, statuses),
  ];
  return all.filter((one) => one !== undefined);
}

function cursorOf({ createdBlock: block, chainId, address }: EscrowState): string {
  return `${block ?? 0}-${chainId}-${address}`;
}

function isBehind(cursor: string): Condition {
  const match = /^(\d{1,15})-(\d{1,10})-(0x[0-9a-f]{40})$/.exec(cursor);
  if (match === null)
    throw badRequest("cursor", "not a cursor: take `next` of the page before, as it is");
  const [, block, chainId, address] = match;
  return sql`(${createdBlock}, ${escrow.chainId}, ${escrow.address})
    < (${block}::bigint, ${chainId}::bigint, ${address})`;
}
