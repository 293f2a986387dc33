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
import { evolveEscrow } from "../projections/escrow.ts";
import { evolveParty, partiesTouched } from "../projections/party.ts";
import { settlementOf } from "../projections/settlement.ts";
import { evolveSettlementMinute, minuteTouched } from "../projections/settlement-minute.ts";
import type { Transition } from "../projections/transition.ts";

type Db = Context["db"];

/**
 * Appends an event: to the event store, to the outbox, and into every read model. All of it is in
 * the engine's transaction of the block, so a reader sees either everything or nothing of it, and
 * a reorg takes all of it back.
 */
export async function append(db: Db, event: EscrowEvent): Promise<void> {
  const { chainId, stream } = event;
  const before = await db.find(escrow, { chainId, address: stream });
  const { after, anomaly } = evolveEscrow(before, event);
  const transition: Transition = { event, before, after, anomaly };

  await store(db, transition);
  await db.insert(escrow).values(after).onConflictDoUpdate(after);
  await project(db, transition);
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
  const { chainId } = transition.event;

  const approved = approvalOf(transition);
  if (approved) await db.insert(approval).values(approved);

  const settled = settlementOf(transition);
  if (settled) await db.insert(settlement).values(settled);

  for (const address of partiesTouched(transition)) {
    const row = await db.find(party, { chainId, address });
    const totals = evolveParty(row, transition, address);
    await db.insert(party).values(totals).onConflictDoUpdate(totals);
  }

  const minute = minuteTouched(transition);
  if (minute !== null) {
    const row = await db.find(settlementMinute, { chainId, minute });
    const totals = evolveSettlementMinute(row, transition, minute);
    await db.insert(settlementMinute).values(totals).onConflictDoUpdate(totals);
  }

  const row = await db.find(chainStat, { chainId });
  const totals = evolveChainStat(row, transition);
  await db.insert(chainStat).values(totals).onConflictDoUpdate(totals);
}
