import { GraphQLInt } from "graphql";
import { PARTY, type PartyRow } from "../../read/views.ts";
import { Address } from "../scalars/address.ts";
import { BigIntScalar } from "../scalars/big-int.ts";
import { columns, type RowType } from "../schema/row-type.ts";

export const partyRow: RowType<PartyRow> = {
  name: "Party",
  many: "parties",
  description: "What an address has open and settled on a chain, by its role.",
  view: PARTY,
  fields: columns(PARTY, [
    ["chain_id", GraphQLInt, "The chain."],
    ["address", Address, "The address."],
    ["payer_open_count", GraphQLInt, "Open escrows that it pays."],
    ["payer_open_amount", BigIntScalar, "What is in them, in wei."],
    ["payer_settled_count", GraphQLInt, "Settled escrows that it paid."],
    ["payer_settled_amount", BigIntScalar, "What was in them, in wei."],
    ["payee_open_count", GraphQLInt, "Open escrows that pay it."],
    ["payee_open_amount", BigIntScalar, "What is in them, in wei."],
    ["payee_settled_count", GraphQLInt, "Settled escrows that were to pay it."],
    ["payee_settled_amount", BigIntScalar, "What was in them, in wei."],
    ["arbiter_open_count", GraphQLInt, "Open escrows whose arbiter it is."],
    ["arbiter_open_amount", BigIntScalar, "What is in them, in wei."],
    ["arbiter_settled_count", GraphQLInt, "Settled escrows whose arbiter it was at the end."],
    ["arbiter_settled_amount", BigIntScalar, "What was in them, in wei."],
  ]),
};
