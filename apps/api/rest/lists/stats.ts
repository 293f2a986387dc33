import { equal } from "../../read/conditions.ts";
import { CHAIN_STAT } from "../../read/views.ts";
import { listRoute } from "../list.ts";
import { chainId } from "../parameters.ts";

export const stats = listRoute({
  path: "/v1/stats",
  tag: "chains",
  summary: "Lists the totals of each chain",
  rows: "stats",
  rowName: "ChainStat",
  view: CHAIN_STAT,
  params: {},
  filter: { chain_id: chainId },
  anyOf: (asked) => [equal("chain_id", asked.chain_id)],
  orders: { chain_id: "chain_id" },
  direction: "asc",
});
