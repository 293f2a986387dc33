import { db } from "ponder:api";
import { approval, escrow, event } from "ponder:schema";
import { Hono } from "hono";
import { and, asc, eq } from "ponder";
import type { Hex } from "../events/escrow-event.ts";
import { type EscrowState, isReleasable } from "../projections/escrow.ts";
import { parseAsOfBlock } from "./as-of-block.ts";
import { readEscrowAtBlock } from "./escrow-at-block.ts";
import { parseFilter, readEscrowPage } from "./escrow-page.ts";
import { parseAddress, parseChainId, parseLimit, parseTime, rejectUnknown } from "./parse-query.ts";
import { notFound } from "./request-error.ts";
import { toJson } from "./to-json.ts";

/** `/v1/escrows`: one escrow with its approvals and events, and lists of escrows. */
export const escrowRoutes = new Hono();

escrowRoutes.get("/", async (c) => {
  const query = c.req.query();
  const at = parseTime(query.at);
  const page = await readEscrowPage(parseFilter(query), parseLimit(query.limit), query.cursor);
  return c.json({ escrows: page.escrows.map((each) => present(each, at)), next: page.next });
});

escrowRoutes.get("/:chainId/:address", async (c) => {
  const chainId = parseChainId("chainId", c.req.param("chainId"));
  const address = parseAddress("address", c.req.param("address"));
  rejectUnknown(c.req.query(), ["at", "asOfBlock"]);
  const block = parseAsOfBlock(c.req.query("asOfBlock"));
  if (block !== null) return c.json(await presentAt(chainId, address, block, c.req.query("at")));
  const at = parseTime(c.req.query("at"));

  const [state] = await db
    .select()
    .from(escrow)
    .where(and(eq(escrow.chainId, chainId), eq(escrow.address, address)));
  if (state === undefined) throw notFound(`no escrow ${address} is known on chain ${chainId}`);
  const approvals = await db
    .select()
    .from(approval)
    .where(and(eq(approval.chainId, chainId), eq(approval.escrow, address)))
    .orderBy(asc(approval.ordinal));
  const events = await db
    .select()
    .from(event)
    .where(and(eq(event.chainId, chainId), eq(event.stream, address)))
    .orderBy(asc(event.streamVersion));

  return c.json({
    ...present(state, at),
    approvals: approvals.map(toJson),
    events: events.map(toJson),
  });
});

/** The state with the answer to "could it be released at that time?". */
function present(state: EscrowState, at: bigint): Record<string, unknown> {
  return { ...toJson(state), releasable: { at: String(at), value: isReleasable(state, at) } };
}

/**
 * The escrow as it stood at a block. What could be released then is told for a time that is asked
 * for: the clock's says nothing about it, and no event need tell the block's.
 */
async function presentAt(
  chainId: number,
  address: Hex,
  block: number,
  at: string | undefined,
): Promise<Record<string, unknown>> {
  const { asOf, state, approvals, events } = await readEscrowAtBlock(chainId, address, block);
  return {
    as_of: asOf,
    ...(at === undefined ? toJson(state) : present(state, parseTime(at))),
    approvals: approvals.map(toJson),
    events: events.map(toJson),
    events_omitted: state.version - events.length,
  };
}
