import { GraphQLInt } from "graphql";
import { SETTLEMENT_MINUTE, type SettlementMinuteRow } from "../../read/views.ts";
import { BigIntScalar } from "../scalars/big-int.ts";
import { DateTime } from "../scalars/date-time.ts";
import { columns, type RowType } from "../schema/row-type.ts";

export const settlementMinuteRow: RowType<SettlementMinuteRow> = {
  name: "SettlementMinute",
  many: "settlementMinutes",
  description: "What happened in one minute of block time on a chain. Quiet minutes have none.",
  view: SETTLEMENT_MINUTE,
  fields: columns(SETTLEMENT_MINUTE, [
    ["chain_id", GraphQLInt, "The chain."],
    ["minute", DateTime, "Its first second."],
    ["deployed_count", GraphQLInt, "Escrows that were created."],
    ["deployed_amount", BigIntScalar, "What was paid into them, in wei."],
    ["released_count", GraphQLInt, "Escrows that were released."],
    ["released_amount", BigIntScalar, "What was in them, in wei."],
    ["refunded_count", GraphQLInt, "Escrows that were refunded."],
    ["refunded_amount", BigIntScalar, "What was in them, in wei."],
  ]),
};
