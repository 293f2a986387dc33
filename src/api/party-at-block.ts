import { sql } from "ponder";
import type { Hex } from "../events/escrow-event.ts";
import { EscrowFold } from "../projections/escrow-fold.ts";
import { evolveParty, type PartyRow, partiesTouched } from "../projections/party.ts";
import { type AsOf, checkAsOfBlock } from "./as-of-block.ts";
import { notFound, tooMuch } from "./request-error.ts";
import { eventsOf, inSnapshot, type Query } from "./snapshot.ts";

/**
 * A request folds so many events at most. Its transaction holds the locks of a reader meanwhile,
 * and a reorg has to wait for those.
 */
const MAX_EVENTS = 100_000;

export type PartyAtBlock = { asOf: AsOf; party: PartyRow };

/**
 * What an address had open and settled when a block had been indexed, folded from the events of
 * the escrows in which it had a role up to there. Escrow after escrow, so that memory does not grow
 * with their number.
 *
 * @throws 400 for a block above the indexed head; 404 for an address that had no role yet; 422
 *   when it had so many that they are not folded for a request
 */
export function readPartyAtBlock(
  chainId: number,
  address: Hex,
  block: number,
): Promise<PartyAtBlock> {
  return inSnapshot(async (snapshot) => {
    const asOf = await checkAsOfBlock(snapshot, chainId, block);
    let party: PartyRow | null = null;
    let stream: string | null = null;
    let fold = new EscrowFold();
    let events = 0;
    for await (const row of eventsOf(snapshot, eventsOfParty(chainId, address, block))) {
      events += 1;
      if (events > MAX_EVENTS)
        throw tooMuch(
          `the escrows of ${address} have more than ${MAX_EVENTS} events up to block ${block}: fold them from an export`,
        );
      if (row.stream !== stream) fold = new EscrowFold();
      stream = row.stream;
      const transition = fold.add(row);
      if (partiesTouched(transition).includes(address))
        party = evolveParty(party, transition, address);
    }
    if (party === null)
      throw notFound(`${address} had no role in any escrow of chain ${chainId} at block ${block}`);
    return { asOf, party };
  });
}

/**
 * The events up to a block of every escrow in which the address had a role up to there, or later.
 * Payer and payee stay as they were created. Who was arbiter then is arbiter now, or is named by a
 * change, which may have come after that block; or, when the change names another one (an anomaly),
 * by the creation.
 */
function eventsOfParty(chainId: number, address: Hex, block: number): Query {
  return sql`
    with arbiter_changed as (
      select stream, payload, anomaly from event
      where chain_id = ${chainId} and type = 'ArbiterChanged'
    ), role as (
      select address as stream from escrow
      where chain_id = ${chainId} and created_block <= ${block}
        and (payer = ${address} or payee = ${address} or arbiter = ${address})
      union
      select stream from arbiter_changed
      where payload ->> 'old_arbiter' = ${address} or payload ->> 'new_arbiter' = ${address}
      union
      select stream from event
      where chain_id = ${chainId} and type = 'EscrowCreated'
        and stream in (select stream from arbiter_changed where anomaly is not null)
        and coalesce(observed_arbiter, payload ->> 'arbiter') = ${address}
    )
    select event.* from event join role using (stream)
    where event.chain_id = ${chainId} and event.block_number <= ${block}
    order by event.stream, event.stream_version`;
}
