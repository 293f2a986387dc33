import type { Context } from "ponder:registry";
import {
  approval,
  chainStat,
  escrow,
  event as eventTable,
  outbox,
  party,
  settlement,
  settlementMinute,
} from "ponder:schema";
import type { EscrowEvent } from "../events/escrow-event.ts";
import { encodeMessage } from "../outbox/encode-message.ts";
import { approvalOf } from "../projections/approval.ts";
import { evolveChainStat } from "../projections/chain-stat.ts";
import { type EscrowState, evolveEscrow } from "../projections/escrow.ts";
import { evolveParty, partiesTouched } from "../projections/party.ts";
import { settlementOf } from "../projections/settlement.ts";
import { evolveSettlementMinute, minuteTouched } from "../projections/settlement-minute.ts";
import type { Transition } from "../projections/transition.ts";

type Db = Context["db"];

/**
 * Appends an event: to the event store, to the outbox, and into every read model. All of it is in
 * the engine's transaction of the block, so a reader sees either everything or nothing of it, and
 * a reorg takes all of it back.
 *
 * A fold gives the whole row, and never changes the one before it (`cli/engine-folds.ts` counts on
 * both).
 */
export async function append(db: Db, event: EscrowEvent): Promise<void> {
  const transition = await foldIntoEscrow(db, event);
  await store(db, transition);
  await project(db, transition);
}

async function foldIntoEscrow(db: Db, event: EscrowEvent): Promise<Transition> {
  let transition = transitionOf(null, event);
  await db
    .insert(escrow)
    .values(transition.after)
    .onConflictDoUpdate((row) => {
      // A copy, because the engine may write the new row into the one before it.
      transition = transitionOf({ ...row }, event);
      return transition.after;
    });
  return transition;
}

function transitionOf(before: EscrowState | null, event: EscrowEvent): Transition {
  return { event, before, ...evolveEscrow(before, event) };
}

async function store(db: Db, { event, after, anomaly }: Transition): Promise<void> {
  const message = encodeMessage(event);
  await db.insert(eventTable).values({ ...event, streamVersion: after.version, anomaly });
  await db.insert(outbox).values({
    chainId: event.chainId,
    position: event.position,
    eventId: event.id,
    blockNumber: event.blockNumber,
    blockHash: event.blockHash,
    orderingKey: message.orderingKey,
    body: message.body,
    attributes: JSON.stringify(message.attributes),
  });
}

async function project(db: Db, transition: Transition): Promise<void> {
  const approved = approvalOf(transition);
  if (approved) await db.insert(approval).values(approved);

  const settled = settlementOf(transition);
  if (settled) await db.insert(settlement).values(settled);

  for (const address of partiesTouched(transition))
    await db
      .insert(party)
      .values(evolveParty(null, transition, address))
      .onConflictDoUpdate((row) => evolveParty(row, transition, address));

  const minute = minuteTouched(transition);
  if (minute !== null)
    await db
      .insert(settlementMinute)
      .values(evolveSettlementMinute(null, transition, minute))
      .onConflictDoUpdate((row) => evolveSettlementMinute(row, transition, minute));

  await db
    .insert(chainStat)
    .values(evolveChainStat(null, transition))
    .onConflictDoUpdate((row) => evolveChainStat(row, transition));
}
