import { equal, inRange, inTime } from "../../read/conditions.ts";
import { SETTLEMENT } from "../../read/views.ts";
import { listRoute } from "../list.ts";
import { address, amount, chainId, time, word } from "../parameters.ts";

export const settlements = listRoute({
  path: "/v1/settlements",
  tag: "settlements",
  summary: "Lists settlements, the last ones first",
  rows: "settlements",
  rowName: "Settlement",
  view: SETTLEMENT,
  params: {},
  filter: {
    chain_id: chainId,
    outcome: word("an outcome", ["released", "refunded"]),
    beneficiary: address,
    payer: address,
    payee: address,
    amount_min: amount,
    amount_max: amount,
    settled_from: time,
    settled_before: time,
  },
  anyOf: (asked) => [
    [
      ...equal("chain_id", asked.chain_id),
      ...equal("outcome", asked.outcome),
      ...equal("beneficiary", asked.beneficiary),
      ...equal("payer", asked.payer),
      ...equal("payee", asked.payee),
      ...inRange("amount", { min: asked.amount_min, max: asked.amount_max }),
      ...inTime("settled_at", { from: asked.settled_from, before: asked.settled_before }),
    ],
  ],
  orders: { settled_at: "settled_at" },
  direction: "desc",
});
