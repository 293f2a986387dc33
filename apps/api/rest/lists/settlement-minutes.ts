import { equal, inTime } from "../../read/conditions.ts";
import { SETTLEMENT_MINUTE } from "../../read/views.ts";
import { listRoute } from "../list.ts";
import { chainId, time } from "../parameters.ts";

export const settlementMinutes = listRoute({
  path: "/v1/settlement-minutes",
  tag: "settlements",
  summary:
    "Lists minutes of block time in which anything was created or settled, the last ones first",
  rows: "settlement_minutes",
  rowName: "SettlementMinute",
  view: SETTLEMENT_MINUTE,
  params: {},
  filter: {
    chain_id: chainId,
    from: time.openapi({ description: "Minutes that begin at this time or later." }),
    before: time,
  },
  anyOf: (asked) => [
    [
      ...equal("chain_id", asked.chain_id),
      ...inTime("minute", { from: asked.from, before: asked.before }),
    ],
  ],
  orders: { minute: "minute" },
  direction: "desc",
});
