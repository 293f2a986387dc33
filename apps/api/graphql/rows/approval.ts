import { GraphQLInt, GraphQLString } from "graphql";
import { APPROVAL, type ApprovalRow } from "../../read/views.ts";
import { Address } from "../scalars/address.ts";
import { DateTime } from "../scalars/date-time.ts";
import { Hash } from "../scalars/hash.ts";
import { column, columns, type RowType } from "../schema/row-type.ts";

export const approvalRow: RowType<ApprovalRow> = {
  name: "Approval",
  many: "approvals",
  description: "One party's approval of one escrow.",
  view: APPROVAL,
  fields: {
    ...columns(APPROVAL, [
      ["chain_id", GraphQLInt, "The chain that it is on."],
      ["approver", Address, "Who approved."],
      ["ordinal", GraphQLInt, "1 for the first approval of its escrow."],
      ["approved_at", DateTime, "The time of its block."],
      ["block_number", GraphQLInt, "Its block."],
      ["transaction_hash", Hash, "Its transaction; two approvals may share one."],
      ["log_index", GraphQLInt, "Where in its block it was logged."],
      ["event_id", GraphQLString, "The id of its event."],
    ]),
    escrowAddress: column(APPROVAL, "escrow", Address, "The escrow that was approved."),
  },
};
