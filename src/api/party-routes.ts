import { db } from "ponder:api";
import { party } from "ponder:schema";
import { Hono } from "hono";
import { and, eq } from "ponder";
import { parseAsOfBlock } from "./as-of-block.ts";
import { parseAddress, parseChainId, rejectUnknown } from "./parse-query.ts";
import { readPartyAtBlock } from "./party-at-block.ts";
import { notFound } from "./request-error.ts";
import { toJson } from "./to-json.ts";

/** `/v1/parties`: what an address has open and settled, now or at a block. */
export const partyRoutes = new Hono();

partyRoutes.get("/:chainId/:address", async (c) => {
  const chainId = parseChainId("chainId", c.req.param("chainId"));
  const address = parseAddress("address", c.req.param("address"));
  rejectUnknown(c.req.query(), ["asOfBlock"]);
  const block = parseAsOfBlock(c.req.query("asOfBlock"));
  if (block !== null) {
    const { asOf, party: then } = await readPartyAtBlock(chainId, address, block);
    return c.json({ as_of: asOf, ...toJson(then) });
  }
  const [now] = await db
    .select()
    .from(party)
    .where(and(eq(party.chainId, chainId), eq(party.address, address)));
  if (now === undefined) throw notFound(`${address} has no role in any escrow of chain ${chainId}`);
  return c.json(toJson(now));
});
