import { db } from "ponder:api";
import { approval, escrow, event } from "ponder:schema";
import { Hono } from "hono";
import { and, asc, eq } from "ponder";
import { type EscrowState, isReleasable } from "../projections/escrow.ts";
import { parseFilter, readEscrowPage } from "./escrow-page.ts";
import { parseAddress, parseChainId, parseLimit, parseTime } from "./parse-query.ts";
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
