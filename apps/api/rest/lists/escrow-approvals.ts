import { equal } from "../../read/conditions.ts";
import { APPROVAL } from "../../read/views.ts";
import { listRoute } from "../list.ts";
import { address, chainId } from "../parameters.ts";

export const escrowApprovals = listRoute({
  path: "/v1/escrows/{chain_id}/{address}/approvals",
  tag: "escrows",
  summary: "Lists the approvals of an escrow, in their order",
  rows: "approvals",
  rowName: "Approval",
  view: APPROVAL,
  params: { chain_id: chainId, address },
  filter: { approver: address },
  anyOf: (asked) => [
    [
      ...equal("chain_id", asked.chain_id),
      ...equal("escrow", asked.address),
      ...equal("approver", asked.approver),
    ],
  ],
  orders: { ordinal: "ordinal" },
  direction: "asc",
  parent: "escrow",
});
