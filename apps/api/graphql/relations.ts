import { sql } from "kysely";
import type { Condition } from "../read/ranges.ts";
import { roleConditions } from "../read/role-conditions.ts";
import type { ApprovalRow, EscrowRow, EventRow, PartyRow, SettlementRow } from "../read/views.ts";
import { approvals } from "./collections/approvals.ts";
import { escrows } from "./collections/escrows.ts";
import { events } from "./collections/events.ts";
import { settlements } from "./collections/settlements.ts";
import { escrowRow } from "./rows/escrow.ts";
import { eventRow } from "./rows/event.ts";
import { partyRow } from "./rows/party.ts";
import { settlementRow } from "./rows/settlement.ts";
import { many, one, type Relations } from "./schema/relation.ts";

/*
 * How rows lead to each other, in both directions. What one field reads for all rows of a page, it
 * reads in one statement.
 */

const ofParent = (column: string): Condition[][] => [
  [sql`chain_id = parent.chain_id`, sql`${sql.ref(column)} = parent.name`],
];
const ofParty = (roles?: string[] | null): Condition[][] =>
  roleConditions(sql`parent.name`, roles).map((role) => [sql`chain_id = parent.chain_id`, ...role]);

const partyAs = (role: "payer" | "payee" | "arbiter", description: string) =>
  one<EscrowRow, PartyRow>({
    to: partyRow,
    by: "address",
    from: role,
    description,
    // A party is folded from all of its escrows: too much for each row of a page.
    pastIs: "ask party(chainId, address, asOfBlock) for what it had then",
  });

export const escrowRelations: Relations<EscrowRow> = {
  events: many({
    to: events,
    from: "address",
    match: () => ofParent("stream"),
    pastBlock: "block_number",
    defaultOrder: { by: "POSITION", direction: "asc" },
    orderedAs: { position: "stream_version" },
    description: "What happened to it, the oldest first unless another order is asked for.",
  }),
  approvals: many({
    to: approvals,
    from: "address",
    match: () => ofParent("escrow"),
    pastBlock: "block_number",
    description: "Its approvals, the first one first.",
  }),
  settlement: one({
    to: settlementRow,
    by: "escrow",
    from: "address",
    pastBlock: "block_number",
    description: "How it ended; null while it is open.",
  }),
  payerTotals: partyAs("payer", "What its payer has open and settled on its chain."),
  payeeTotals: partyAs("payee", "What its payee has open and settled on its chain."),
  arbiterTotals: partyAs("arbiter", "What its arbiter has open and settled on its chain."),
};

export const eventRelations: Relations<EventRow> = {
  escrow: one({
    to: escrowRow,
    by: "address",
    from: "stream",
    description: "The escrow that it is about, as it is now.",
  }),
};

export const approvalRelations: Relations<ApprovalRow> = {
  escrow: one({
    to: escrowRow,
    by: "address",
    from: "escrow",
    description: "The escrow that was approved, as it is now.",
  }),
  event: one({ to: eventRow, by: "id", from: "event_id", description: "Its event." }),
};

export const settlementRelations: Relations<SettlementRow> = {
  escrow: one({
    to: escrowRow,
    by: "address",
    from: "escrow",
    description: "The escrow that ended.",
  }),
  event: one({ to: eventRow, by: "id", from: "event_id", description: "Its event." }),
};

export const partyRelations: Relations<PartyRow> = {
  escrows: many({
    to: escrows,
    from: "address",
    match: ({ roles }: { roles?: string[] | null }) => ofParty(roles),
    takesRoles: true,
    pastIs: "an escrow of that time is asked for with escrow(chainId, address, asOfBlock)",
    description: "The escrows in which it has a role, the newest first.",
  }),
  received: many({
    to: settlements,
    from: "address",
    match: () => ofParent("beneficiary"),
    pastBlock: "block_number",
    description: "The settlements that it got the money of.",
  }),
};
