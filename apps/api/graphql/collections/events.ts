import { GraphQLBoolean, GraphQLInt, GraphQLList, GraphQLNonNull } from "graphql";
import { sql } from "kysely";
import {
  type BlockRange as Blocks,
  equal,
  inBlocks,
  oneOf,
  type TimeRange,
} from "../../read/conditions.ts";
import type { Condition } from "../../read/ranges.ts";
import type { EventRow } from "../../read/views.ts";
import { eventRow } from "../rows/event.ts";
import { Address } from "../scalars/address.ts";
import type { Collection } from "../schema/collection.ts";
import { EventType } from "../schema/enums.ts";
import { BlockRange, DateTimeRange } from "../schema/ranges.ts";

type Filter = {
  chainId?: number;
  escrow?: string;
  type?: string[];
  blockNumber?: Blocks;
  blockTimestamp?: TimeRange;
  hasAnomaly?: boolean;
};

export const events: Collection<EventRow> = {
  row: eventRow,
  orders: {
    POSITION: { column: "position", description: "In the order of time, across all chains." },
  },
  defaultOrder: { by: "POSITION", direction: "desc" },
  filter: {
    chainId: { type: GraphQLInt, description: "On this chain." },
    escrow: { type: Address, description: "About this escrow." },
    type: {
      type: new GraphQLList(new GraphQLNonNull(EventType)),
      description: "Of one of these types.",
    },
    blockNumber: {
      type: BlockRange,
      description: "In these blocks; `chainId` says of which chain.",
    },
    blockTimestamp: { type: DateTimeRange, description: "In blocks of this time." },
    hasAnomaly: { type: GraphQLBoolean, description: "With or without an anomaly." },
  },
  conditions: (filter: Filter, isNested) => {
    const all = [
      ...equal("chain_id", filter.chainId),
      ...equal("stream", filter.escrow),
      ...inBlocks("block_number", filter.blockNumber),
      ...inTimeOfPosition(filter.blockTimestamp),
      ...(filter.hasAnomaly == null
        ? []
        : [sql<boolean>`(anomaly is not null) = ${filter.hasAnomaly}`]),
    ];
    if (filter.type == null || filter.escrow != null || isNested)
      return [[...oneOf("type", filter.type), ...all]];
    return [...new Set(filter.type)].map((type) => [...equal("type", type), ...all]);
  },
};

/** A position begins with the ten digits of its block's time: so its index serves for times as well. */
function inTimeOfPosition({ from, before }: TimeRange = {}): Condition[] {
  return [
    ...(from == null ? [] : [sql<boolean>`position >= ${digitsOf(from)}`]),
    ...(before == null ? [] : [sql<boolean>`position < ${digitsOf(before)}`]),
  ];
}

function digitsOf(seconds: string): string {
  return String(Math.ceil(Number(seconds))).padStart(10, "0");
}
