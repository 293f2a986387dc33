import { z } from "@hono/zod-openapi";
import { sql } from "kysely";
import { Problem } from "../problem.ts";
import { chainOf } from "../read/chain-of.ts";
import { partyAtBlock } from "../read/past/party-at-block.ts";
import { PARTY, type PartyRow } from "../read/views.ts";
import type { Route } from "./add-route.ts";
import { address, block, chainId } from "./parameters.ts";
import { rowSchema } from "./row-schema.ts";

const params = { chain_id: chainId, address };
const query = {
  as_of_block: block
    .optional()
    .openapi({ description: "How it stood when this block had been indexed." }),
};

export const oneParty: Route<typeof params, typeof query> = {
  path: "/v1/parties/{chain_id}/{address}",
  tag: "parties",
  summary: "What an address has open and settled by role, now or at a block",
  params,
  query,
  answer: rowSchema(PARTY, "Party").extend({
    as_of: z.object({ block: z.int(), is_final: z.boolean() }).optional(),
  }),
  isOfTheProgress: ({ as_of_block }) => as_of_block !== undefined,
  read: async (snapshot, { params: { chain_id, address }, query: { as_of_block } }) => {
    if (as_of_block !== undefined) {
      const { asOf, party } = await partyAtBlock(snapshot, chain_id, address, as_of_block);
      return { as_of: asOf, ...party };
    }
    chainOf(snapshot.progress, chain_id);
    const { rows } = await sql<PartyRow>`select * from escrow.party
      where chain_id = ${chain_id} and address = ${address}`.execute(snapshot.db);
    const [party] = rows;
    if (party !== undefined) return party;
    throw new Problem("ES-NOT-FOUND", `${address} has no role in any escrow of chain ${chain_id}`);
  },
};
