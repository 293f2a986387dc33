import { GraphQLInt, GraphQLNonNull, GraphQLString } from "graphql";
import { toStoredEvent } from "../../../../src/events/event-row.ts";
import { newestVersions, upcast } from "../../../../src/events/upcast.ts";
import { EVENT, type EventRow } from "../../read/views.ts";
import { Address } from "../scalars/address.ts";
import { DateTime } from "../scalars/date-time.ts";
import { Hash } from "../scalars/hash.ts";
import { Json } from "../scalars/json.ts";
import { EventType, Revision } from "../schema/enums.ts";
import { column, columns, type RowType } from "../schema/row-type.ts";

/** What lifts a payload may look at the whole row. While nothing does, this is what it is checked by. */
const OF_PAYLOAD: readonly (keyof EventRow)[] = Object.values(newestVersions()).some(
  (version) => version > 1,
)
  ? ([...EVENT.columns.keys()] as (keyof EventRow)[])
  : [
      ...(["type", "schema_version", "revision", "payload"] as const),
      // And by which it is named when it cannot be read.
      ...(["chain_id", "id", "block_number", "block_timestamp", "log_index"] as const),
    ];

export const eventRow: RowType<EventRow> = {
  name: "Event",
  many: "events",
  description: "A log of a factory or an escrow. It never changes; a reorg may remove it.",
  view: EVENT,
  fields: {
    ...columns(EVENT, [
      ["chain_id", GraphQLInt, "The chain that it is on."],
      [
        "id",
        GraphQLString,
        "`<chain id>-<block hash>-<log index>`, as on Pub/Sub. The same log in another block is another event.",
      ],
      ["position", GraphQLString, "Sorts as text in the order of time across all chains."],
      ["stream_version", GraphQLInt, "1, 2, 3 … for each escrow, without gaps."],
      ["type", EventType, "What happened."],
      ["schema_version", GraphQLInt, "The version in which its payload was written."],
      ["revision", Revision, "Which revision of the contracts logged it."],
      ["emitter", Address, "The contract that logged it: the escrow, or its factory."],
      ["block_number", GraphQLInt, "Its block."],
      ["block_hash", Hash, "The hash of its block."],
      ["block_timestamp", DateTime, "The time of its block."],
      ["transaction_hash", Hash, "Its transaction; two events may share one."],
      ["log_index", GraphQLInt, "Where in its block it was logged."],
      [
        "anomaly",
        GraphQLString,
        "Why the contract cannot have produced it here; null for a regular one.",
      ],
    ]),
    escrowAddress: column(EVENT, "stream", Address, "The escrow that it is about."),
    payload: {
      type: new GraphQLNonNull(Json),
      description: "The event's own fields, as its message has them, in their newest shape.",
      columns: OF_PAYLOAD,
      read: (row) => upcast(toStoredEvent(row)).payload,
    },
  },
};
