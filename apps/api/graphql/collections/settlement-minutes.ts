import { GraphQLInt } from "graphql";
import { equal, inTime, type TimeRange } from "../../read/conditions.ts";
import type { SettlementMinuteRow } from "../../read/views.ts";
import { settlementMinuteRow } from "../rows/settlement-minute.ts";
import type { Collection } from "../schema/collection.ts";
import { DateTimeRange } from "../schema/ranges.ts";

type Filter = { chainId?: number; minute?: TimeRange };

export const settlementMinutes: Collection<SettlementMinuteRow> = {
  row: settlementMinuteRow,
  orders: { MINUTE: { column: "minute", description: "In the order of time." } },
  defaultOrder: { by: "MINUTE", direction: "desc" },
  filter: {
    chainId: { type: GraphQLInt, description: "On this chain." },
    minute: { type: DateTimeRange, description: "In this time." },
  },
  conditions: ({ chainId, minute }: Filter) => [
    [...equal("chain_id", chainId), ...inTime("minute", minute)],
  ],
};
