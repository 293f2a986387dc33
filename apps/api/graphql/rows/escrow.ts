import { GraphQLBoolean, GraphQLInt, GraphQLList, GraphQLNonNull } from "graphql";
import { ESCROW, type EscrowRow } from "../../read/views.ts";
import { Address } from "../scalars/address.ts";
import { BigIntScalar } from "../scalars/big-int.ts";
import { DateTime } from "../scalars/date-time.ts";
import { Hash } from "../scalars/hash.ts";
import { EscrowStatus, Revision } from "../schema/enums.ts";
import { columns, type RowType } from "../schema/row-type.ts";

export const escrowRow: RowType<EscrowRow> = {
  name: "Escrow",
  many: "escrows",
  description: "An escrow and its state: money that waits for approvals and a time.",
  view: ESCROW,
  fields: {
    ...columns(ESCROW, [
      ["chain_id", GraphQLInt, "The chain that it is on."],
      ["address", Address, "Its contract."],
      ["status", EscrowStatus, "Where it is in its life."],
      ["revision", Revision, "Which revision of the contracts it is of."],
      ["factory", Address, "Who made it; null when the factory's event is missing."],
      ["payer", Address, "Who paid in; null while its creation is not known."],
      ["payee", Address, "Who is paid when it is released; null while its creation is not known."],
      ["arbiter", Address, "Null when there is none, and when revision A has not named it yet."],
      ["amount", BigIntScalar, "In wei; null while its creation is not known."],
      [
        "release_time",
        BigIntScalar,
        "From when it may be released, in Unix seconds. Contracts take any number, so it may be further off than a date can say.",
      ],
      ["approvals_required", GraphQLInt, "How many approvals a release needs, 1 to 3."],
      ["approvals_given", GraphQLInt, "How many approvals are in."],
      [
        "releasable_from",
        BigIntScalar,
        "From when a release succeeds, in Unix seconds; null while approvals are missing, and after the end.",
      ],
      ["created_at", DateTime, "The time of the block of its creation."],
      ["created_block", GraphQLInt, "The block of its creation."],
      ["created_transaction", Hash, "The transaction of its creation."],
      ["settled_at", DateTime, "The time of the block that settled it; null while it is open."],
      ["settled_block", GraphQLInt, "The block that settled it."],
      ["settled_transaction", Hash, "The transaction that settled it."],
      ["updated_at", DateTime, "The time of the block of its last event."],
      ["updated_block", GraphQLInt, "The block of its last event."],
      ["version", GraphQLInt, "How many events it has had: the stream version of the last one."],
      ["anomalies", GraphQLInt, "How many of its events the contract cannot have produced."],
    ]),
    approvers: {
      type: new GraphQLNonNull(new GraphQLList(new GraphQLNonNull(Address))),
      description: "Who has approved, in the order of the approvals.",
      columns: ["approvers"],
      read: ({ approvers }) => approvers,
    },
    isReleasable: {
      type: new GraphQLNonNull(GraphQLBoolean),
      description: "Whether a release succeeds at a time.",
      columns: ["releasable_from"],
      args: {
        at: { type: new GraphQLNonNull(DateTime), description: "The time that is asked about." },
      },
      read: ({ releasable_from: from }, { at }: { at: string }) =>
        from !== null && BigInt(Math.floor(Number(at))) >= BigInt(from),
    },
  },
};
