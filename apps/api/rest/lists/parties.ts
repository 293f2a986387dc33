import { equal } from "../../read/conditions.ts";
import { PARTY } from "../../read/views.ts";
import { listRoute } from "../list.ts";
import { address, chainId } from "../parameters.ts";

export const parties = listRoute({
  path: "/v1/parties",
  tag: "parties",
  summary: "Lists what addresses have open and settled, by chain and address",
  rows: "parties",
  rowName: "Party",
  view: PARTY,
  params: {},
  filter: {
    chain_id: chainId,
    address: address.openapi({ description: "One address, on every chain." }),
  },
  anyOf: (asked) => [[...equal("chain_id", asked.chain_id), ...equal("address", asked.address)]],
  orders: { chain_id: "chain_id" },
  direction: "asc",
});
