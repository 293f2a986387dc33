import { GraphQLBoolean, GraphQLInt, GraphQLList, GraphQLNonNull } from "graphql";
import { sql } from "kysely";
import {
  type AmountRange,
  equal,
  inRange,
  inTime,
  oneOf,
  type TimeRange,
} from "../../read/conditions.ts";
import type { Condition } from "../../read/ranges.ts";
import { roleConditions } from "../../read/role-conditions.ts";
import type { EscrowRow } from "../../read/views.ts";
import { escrowRow } from "../rows/escrow.ts";
import { Address } from "../scalars/address.ts";
import { DateTime } from "../scalars/date-time.ts";
import type { Collection } from "../schema/collection.ts";
import { EscrowStatus, PartyRole } from "../schema/enums.ts";
import { BigIntRange, DateTimeRange } from "../schema/ranges.ts";

type Filter = {
  chainId?: number;
  status?: string[];
  payer?: string;
  payee?: string;
  arbiter?: string;
  party?: string;
  roles?: string[];
  factory?: string;
  amount?: AmountRange;
  createdAt?: TimeRange;
  settledAt?: TimeRange;
  releasableAt?: string;
  hasAnomalies?: boolean;
};

const list = (type: typeof EscrowStatus) => new GraphQLList(new GraphQLNonNull(type));

export const escrows: Collection<EscrowRow> = {
  row: escrowRow,
  orders: {
    CREATED_AT: { column: "created_at", description: "When it was created." },
    AMOUNT: { column: "amount", description: "How much is or was in it." },
    RELEASABLE_FROM: {
      column: "releasable_from",
      description: "From when it may be released; those that may not come last.",
    },
    ADDRESS: { column: "chain_id", description: "By chain and address: never changes." },
  },
  defaultOrder: { by: "CREATED_AT", direction: "desc" },
  filter: {
    chainId: { type: GraphQLInt, description: "On this chain." },
    status: { type: list(EscrowStatus), description: "In one of these states." },
    payer: { type: Address, description: "Paid by this address." },
    payee: { type: Address, description: "Paying this address." },
    arbiter: { type: Address, description: "With this arbiter." },
    party: { type: Address, description: "With this address in any role, or one of `roles`." },
    roles: { type: list(PartyRole), description: "The roles of `party` that count." },
    factory: { type: Address, description: "Made by this factory." },
    amount: { type: BigIntRange, description: "With so much in it." },
    createdAt: { type: DateTimeRange, description: "Created in this time." },
    settledAt: { type: DateTimeRange, description: "Settled in this time." },
    releasableAt: { type: DateTime, description: "That may be released at this time." },
    hasAnomalies: { type: GraphQLBoolean, description: "With or without anomalies." },
  },
  conditions: (filter: Filter, isNested) => {
    const all = [
      ...equal("chain_id", filter.chainId),
      ...equal("payer", filter.payer),
      ...equal("payee", filter.payee),
      ...equal("arbiter", filter.arbiter),
      ...equal("factory", filter.factory),
      ...inRange("amount", filter.amount),
      ...inTime("created_at", filter.createdAt),
      ...inTime("settled_at", filter.settledAt),
      ...(filter.releasableAt == null
        ? []
        : [sql<boolean>`releasable_from <= ${filter.releasableAt}::numeric`]),
      ...anomalies(filter.hasAnomalies),
    ];
    if (filter.party != null)
      return roleConditions(sql`${filter.party}`, filter.roles).map((role) => [
        ...role,
        ...oneOf("status", filter.status),
        ...all,
      ]);
    // Each status is a range of an index; below a parent, or a party, theirs is the better one.
    const hasParty = isNested || [filter.payer, filter.payee, filter.arbiter].some(Boolean);
    if (filter.status == null || hasParty) return [[...oneOf("status", filter.status), ...all]];
    return [...new Set(filter.status)].map((status) => [...equal("status", status), ...all]);
  },
};

function anomalies(has: boolean | null | undefined): Condition[] {
  if (has == null) return [];
  return [has ? sql`anomalies > 0` : sql`anomalies = 0`];
}
