import { equal, inBlocks, oneOf } from "../../read/conditions.ts";
import { EVENT } from "../../read/views.ts";
import { listRoute } from "../list.ts";
import { address, block, chainId, words } from "../parameters.ts";

const TYPES = [
  "EscrowCreated",
  "EscrowDeployed",
  "Approved",
  "EscrowReleased",
  "EscrowRefunded",
  "ArbiterChanged",
] as const;

export const escrowEvents = listRoute({
  path: "/v1/escrows/{chain_id}/{address}/events",
  tag: "escrows",
  summary: "Lists the events of an escrow, the first ones first",
  rows: "events",
  rowName: "Event",
  view: EVENT,
  params: { chain_id: chainId, address },
  filter: { type: words("a type of event", TYPES), block_from: block, block_to: block },
  anyOf: (asked) => [
    [
      ...equal("chain_id", asked.chain_id),
      ...equal("stream", asked.address),
      ...oneOf("type", asked.type),
      ...inBlocks("block_number", { min: asked.block_from, max: asked.block_to }),
    ],
  ],
  orders: { stream_version: "stream_version" },
  direction: "asc",
  parent: "escrow",
});
