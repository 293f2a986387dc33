import type { EscrowEvent } from "../../src/events/escrow-event.ts";
import { type ApprovalRow, approvalOf } from "../../src/projections/approval.ts";
import { type ChainStatRow, evolveChainStat } from "../../src/projections/chain-stat.ts";
import { type EscrowState, evolveEscrow } from "../../src/projections/escrow.ts";
import { evolveParty, type PartyRow, partiesTouched } from "../../src/projections/party.ts";
import { type SettlementRow, settlementOf } from "../../src/projections/settlement.ts";
import {
  evolveSettlementMinute,
  minuteTouched,
  type SettlementMinuteRow,
} from "../../src/projections/settlement-minute.ts";
import type { Transition } from "../../src/projections/transition.ts";

/** Every read model by its primary key, as the indexer would have written them. */
export class ReadModels {
  readonly transitions: Transition[] = [];
  readonly escrows = new Map<string, EscrowState>();
  readonly approvals = new Map<string, ApprovalRow>();
  readonly settlements = new Map<string, SettlementRow>();
  readonly parties = new Map<string, PartyRow>();
  readonly minutes = new Map<string, SettlementMinuteRow>();
  readonly stats = new Map<number, ChainStatRow>();
}

/**
 * Folds a history of any number of chains and escrows into every read model.
 *
 * @throws when a row that is inserted once is there already, as the database would
 */
export function projectEvents(events: EscrowEvent[]): ReadModels {
  const models = new ReadModels();
  for (const event of events) project(models, event);
  return models;
}

function project(models: ReadModels, event: EscrowEvent): void {
  const { chainId, stream } = event;
  const key = `${chainId}:${stream}`;
  const before = models.escrows.get(key) ?? null;
  const transition: Transition = { event, before, ...evolveEscrow(before, event) };
  models.transitions.push(transition);
  models.escrows.set(key, transition.after);

  const approval = approvalOf(transition);
  if (approval) insertOnce(models.approvals, `${key}:${approval.approver}`, approval);
  const settlement = settlementOf(transition);
  if (settlement) insertOnce(models.settlements, key, settlement);

  for (const address of partiesTouched(transition)) {
    const row = models.parties.get(`${chainId}:${address}`) ?? null;
    models.parties.set(`${chainId}:${address}`, evolveParty(row, transition, address));
  }
  const minute = minuteTouched(transition);
  if (minute !== null) {
    const row = models.minutes.get(`${chainId}:${minute}`) ?? null;
    models.minutes.set(`${chainId}:${minute}`, evolveSettlementMinute(row, transition, minute));
  }
  models.stats.set(chainId, evolveChainStat(models.stats.get(chainId) ?? null, transition));
}

function insertOnce<T>(rows: Map<string, T>, key: string, row: T): void {
  if (rows.has(key)) throw new Error(`duplicate key ${key}`);
  rows.set(key, row);
}
