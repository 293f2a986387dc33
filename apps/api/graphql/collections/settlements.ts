import { GraphQLInt } from "graphql";
import { type AmountRange, equal, inRange, inTime, type TimeRange } from "../../read/conditions.ts";
import type { SettlementRow } from "../../read/views.ts";
import { settlementRow } from "../rows/settlement.ts";
import { Address } from "../scalars/address.ts";
import type { Collection } from "../schema/collection.ts";
import { SettlementOutcome } from "../schema/enums.ts";
import { BigIntRange, DateTimeRange } from "../schema/ranges.ts";

type Filter = {
  chainId?: number;
  outcome?: string;
  beneficiary?: string;
  payer?: string;
  payee?: string;
  amount?: AmountRange;
  settledAt?: TimeRange;
};

export const settlements: Collection<SettlementRow> = {
  row: settlementRow,
  orders: { SETTLED_AT: { column: "settled_at", description: "When it was settled." } },
  defaultOrder: { by: "SETTLED_AT", direction: "desc" },
  filter: {
    chainId: { type: GraphQLInt, description: "On this chain." },
    outcome: { type: SettlementOutcome, description: "With this outcome." },
    beneficiary: { type: Address, description: "Whose money went to this address." },
    payer: { type: Address, description: "Paid by this address." },
    payee: { type: Address, description: "That were to pay this address." },
    amount: { type: BigIntRange, description: "Of so much." },
    settledAt: { type: DateTimeRange, description: "Settled in this time." },
  },
  conditions: (filter: Filter) => [
    [
      ...equal("chain_id", filter.chainId),
      ...equal("outcome", filter.outcome),
      ...equal("beneficiary", filter.beneficiary),
      ...equal("payer", filter.payer),
      ...equal("payee", filter.payee),
      ...inRange("amount", filter.amount),
      ...inTime("settled_at", filter.settledAt),
    ],
  ],
};
