import { GraphQLInt, GraphQLString } from "graphql";
import { SETTLEMENT, type SettlementRow } from "../../read/views.ts";
import { Address } from "../scalars/address.ts";
import { BigIntScalar } from "../scalars/big-int.ts";
import { DateTime } from "../scalars/date-time.ts";
import { Hash } from "../scalars/hash.ts";
import { SettlementOutcome } from "../schema/enums.ts";
import { column, columns, type RowType } from "../schema/row-type.ts";

export const settlementRow: RowType<SettlementRow> = {
  name: "Settlement",
  many: "settlements",
  description: "The end of an escrow: where its money went.",
  view: SETTLEMENT,
  fields: {
    ...columns(SETTLEMENT, [
      ["chain_id", GraphQLInt, "The chain that it is on."],
      ["outcome", SettlementOutcome, "Released or refunded."],
      ["amount", BigIntScalar, "In wei."],
      ["beneficiary", Address, "Who got the money."],
      ["payer", Address, "Who had paid in."],
      ["payee", Address, "Who was to be paid."],
      ["created_at", DateTime, "When the escrow was created."],
      ["settled_at", DateTime, "The time of its block."],
      ["seconds_to_settle", BigIntScalar, "From the creation to the end."],
      ["block_number", GraphQLInt, "Its block."],
      ["transaction_hash", Hash, "Its transaction."],
      ["event_id", GraphQLString, "The id of its event."],
    ]),
    escrowAddress: column(SETTLEMENT, "escrow", Address, "The escrow that ended."),
  },
};
