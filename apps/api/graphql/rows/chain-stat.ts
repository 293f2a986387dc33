import { GraphQLInt } from "graphql";
import { CHAIN_STAT, type ChainStatRow } from "../../read/views.ts";
import { BigIntScalar } from "../scalars/big-int.ts";
import { DateTime } from "../scalars/date-time.ts";
import { columns, type RowType } from "../schema/row-type.ts";

export const chainStatRow: RowType<ChainStatRow> = {
  name: "ChainStats",
  many: "stats",
  description: "Totals of a chain.",
  view: CHAIN_STAT,
  fields: columns(CHAIN_STAT, [
    ["chain_id", GraphQLInt, "The chain."],
    ["events", GraphQLInt, "Events of all kinds."],
    ["escrows", GraphQLInt, "Escrows that were created."],
    ["approvals", GraphQLInt, "Approvals that count."],
    ["released", GraphQLInt, "Escrows that were released."],
    ["refunded", GraphQLInt, "Escrows that were refunded."],
    ["anomalies", GraphQLInt, "Events that the contracts cannot have produced."],
    ["open_amount", BigIntScalar, "What is in open escrows, in wei."],
    ["released_amount", BigIntScalar, "What was released, in wei."],
    ["refunded_amount", BigIntScalar, "What was refunded, in wei."],
    ["last_event_block", GraphQLInt, "The block of the last event."],
    ["last_event_at", DateTime, "The time of that block."],
  ]),
};
