import { type RawBuilder, sql } from "kysely";
import { toStoredEvent } from "../../../../src/events/event-row.ts";
import { EscrowFold } from "../../../../src/projections/escrow-fold.ts";
import {
  evolveParty,
  type PartyRow as PartyState,
  partiesTouched,
} from "../../../../src/projections/party.ts";
import { Problem } from "../../problem.ts";
import type { Snapshot } from "../consistent-reads.ts";
import type { PartyRow } from "../views.ts";
import { type AsOf, checkBlock } from "./check-block.ts";
import { eventsOf } from "./events-of.ts";
import { toRow } from "./to-row.ts";

type Hex = PartyState["address"];

/**
 * A request folds so many events at most. Its transaction holds the locks of a reader meanwhile,
 * and a swap of deployments has to wait for those.
 */
const MAX_EVENTS = 100_000;

export type PartyAtBlock = { asOf: AsOf; party: PartyRow };

/**
 * What an address had open and settled when a block had been indexed, folded from the events of
 * the escrows in which it had a role up to there. Escrow after escrow, so that memory does not grow
 * with their number.
 *
 * @throws Problem: 400 for a block above the indexed head; 404 for an address that had no role yet;
 *   422 when it had so many that they are not folded for a request
 */
export async function partyAtBlock(
  { db, progress, signal }: Snapshot,
  chainId: number,
  address: string,
  block: number,
): Promise<PartyAtBlock> {
  const asOf = checkBlock(progress, chainId, block);
  let party: PartyState | null = null;
  let stream: string | null = null;
  let fold = new EscrowFold();
  let events = 0;
  for await (const row of eventsOf(db, eventsOfParty(chainId, address, block))) {
    signal.throwIfAborted();
    events += 1;
    if (events > MAX_EVENTS)
      throw new Problem(
        "ES-ANSWER-TOO-LARGE",
        `the escrows of ${address} have more than ${MAX_EVENTS} events up to block ${block}: fold them from an export`,
      );
    if (row.stream !== stream) fold = new EscrowFold();
    stream = row.stream;
    const transition = fold.add(toStoredEvent(row));
    if (partiesTouched(transition).includes(address as Hex))
      party = evolveParty(party, transition, address as Hex);
  }
  if (party === null)
    throw new Problem(
      "ES-NOT-FOUND",
      `${address} had no role in any escrow of chain ${chainId} at block ${block}`,
    );
  return { asOf, party: toRow(party) };
}

/**
 * The events up to a block of every escrow in which the address had a role up to there, or later.
 * Payer and payee stay as they were created. Who was arbiter then is arbiter now, or is named by a
 * change, which may have come after that block; or, when the change names another one (an anomaly),
 * by the creation.
 */
function eventsOfParty(chainId: number, address: string, block: number): RawBuilder<unknown> {
  return sql`
    with arbiter_changed as (
      select stream, payload, anomaly from escrow.event
      where chain_id = ${chainId} and type = 'ArbiterChanged'
    ), role as (
      select address as stream from escrow.escrow
      where chain_id = ${chainId} and created_block <= ${block}
        and (payer = ${address} or payee = ${address} or arbiter = ${address})
      union
      select stream from arbiter_changed
      where payload ->> 'old_arbiter' = ${address} or payload ->> 'new_arbiter' = ${address}
      union
      select stream from escrow.event
      where chain_id = ${chainId} and type = 'EscrowCreated'
        and stream in (select stream from arbiter_changed where anomaly is not null)
        and coalesce(observed_arbiter, payload ->> 'arbiter') = ${address}
    )
    select event.* from escrow.event join role using (stream)
    where event.chain_id = ${chainId} and event.block_number <= ${block}
    order by event.stream, event.stream_version`;
}
