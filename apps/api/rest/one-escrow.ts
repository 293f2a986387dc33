import { z } from "@hono/zod-openapi";
import { sql } from "kysely";
import { Problem } from "../problem.ts";
import { chainOf } from "../read/chain-of.ts";
import type { Snapshot } from "../read/consistent-reads.ts";
import { escrowAtBlock } from "../read/past/escrow-at-block.ts";
import {
  APPROVAL,
  type ApprovalRow,
  ESCROW,
  type EscrowRow,
  EVENT,
  type EventRow,
} from "../read/views.ts";
import type { Route } from "./add-route.ts";
import { address, block, chainId, time } from "./parameters.ts";
import { rowSchema } from "./row-schema.ts";
import { withReleasable } from "./with-releasable.ts";

/** So many events of an escrow are answered, the last ones: an arbiter may change without end. */
const EVENTS_SHOWN = 1_000;

const params = { chain_id: chainId, address };
const query = {
  at: time
    .optional()
    .openapi({ description: "The time that `releasable` is about; the clock's if absent." }),
  as_of_block: block
    .optional()
    .openapi({ description: "How it stood when this block had been indexed." }),
};

export const oneEscrow: Route<typeof params, typeof query> = {
  path: "/v1/escrows/{chain_id}/{address}",
  tag: "escrows",
  summary: "An escrow with its approvals and its events, now or at a block",
  description:
    "With `as_of_block` it is folded from its events up to there; `releasable` is then part of the answer only when `at` is given. The last 1,000 events are shown, and `events_omitted` counts the others.",
  params,
  query,
  answer: rowSchema(ESCROW, "Escrow").extend({
    releasable: z.object({ at: z.string(), value: z.boolean() }).optional(),
    approvals: z.array(rowSchema(APPROVAL, "Approval")),
    events: z.array(rowSchema(EVENT, "Event")),
    events_omitted: z.int(),
    as_of: z.object({ block: z.int(), is_final: z.boolean() }).optional(),
  }),
  isOfTheClock: ({ at, as_of_block }) => at === undefined && as_of_block === undefined,
  isOfTheProgress: ({ as_of_block }) => as_of_block !== undefined,
  read: async (snapshot, { params: { chain_id, address }, query: { at, as_of_block } }) => {
    if (as_of_block === undefined) return await readNow(snapshot, chain_id, address, at);
    const then = await escrowAtBlock(snapshot, chain_id, address, as_of_block);
    return {
      as_of: then.asOf,
      ...(at === undefined ? then.escrow : withReleasable(then.escrow, at)),
      approvals: then.approvals,
      events: then.events,
      events_omitted: then.escrow.version - then.events.length,
    };
  },
};

async function readNow(
  { db, progress }: Snapshot,
  chainId: number,
  address: string,
  at: string | undefined,
): Promise<object> {
  chainOf(progress, chainId);
  const [[escrow], approvals, events] = await Promise.all([
    rowsOf<EscrowRow>(
      db,
      sql`select * from escrow.escrow
      where chain_id = ${chainId} and address = ${address}`,
    ),
    rowsOf<ApprovalRow>(
      db,
      sql`select * from escrow.approval
      where chain_id = ${chainId} and escrow = ${address} order by ordinal`,
    ),
    rowsOf<EventRow>(
      db,
      sql`select * from (
        select * from escrow.event where chain_id = ${chainId} and stream = ${address}
        order by stream_version desc limit ${EVENTS_SHOWN}) as last order by stream_version`,
    ),
  ]);
  if (escrow === undefined)
    throw new Problem("ES-NOT-FOUND", `no escrow ${address} is known on chain ${chainId}`);
  return {
    ...withReleasable(escrow, at),
    approvals,
    events,
    events_omitted: escrow.version - events.length,
  };
}

async function rowsOf<Row>(db: Snapshot["db"], query: ReturnType<typeof sql>): Promise<Row[]> {
  return (await query.execute(db)).rows as Row[];
}
