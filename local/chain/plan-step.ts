import { type Address, type Hex, parseEther } from "viem";
import { type Deal, SECONDS_PER_DAY } from "./deal.ts";
import type { SeededRandom } from "./seeded-random.ts";

/** One thing that somebody does, or the end of a day. */
export type Step =
  | { kind: "create"; deal: Deal; amount: bigint; releaseDelay: number; salt: Hex | undefined }
  | { kind: "approve"; deal: Deal; by: Address }
  | { kind: "release"; deal: Deal; by: Address }
  | { kind: "refund"; deal: Deal }
  | { kind: "changeArbiter"; deal: Deal; by: Address; to: Address }
  | { kind: "nextDay" };

export type TrafficModel = {
  parties: readonly Address[];
  deals: Deal[];
  /** Unix seconds of block 0. */
  genesis: number;
  /**
   * Chain time in Unix seconds when the model was read, plus the days jumped since. The seconds
   * that passed by themselves are left out, so the chain is never behind this.
   */
  now: number;
  stepsToday: number;
};

/** Until here days are short, so that a fresh chain soon has deals that are old enough to refund. */
const HISTORY_SECONDS = 45 * SECONDS_PER_DAY;
const STEPS_PER_HISTORY_DAY = 5;
const STEPS_PER_DAY = 60;
const ENOUGH_OPEN_DEALS = 40;

/** The contract's own rule: `refund()` is possible this long after the release time. */
const REFUND_DELAY_SECONDS = 30 * SECONDS_PER_DAY;

/**
 * Within this time before its release, a deal does not get its last approval: whether that would
 * release it at once depends on seconds.
 */
const TOO_CLOSE_SECONDS = 3_600;

/**
 * Decides what happens next and brings the model up to date, as if it had been mined.
 *
 * The choice depends on the model and the random source alone, never on the wall clock: delays are
 * either zero or hours long, and chain days pass in jumps, so whether an approval releases at once
 * is known beforehand. That is what makes a run reproducible.
 */
export function planStep(model: TrafficModel, random: SeededRandom): Step {
  const isHistory = model.now - model.genesis < HISTORY_SECONDS;
  const stepsPerDay = isHistory ? STEPS_PER_HISTORY_DAY : STEPS_PER_DAY;
  if (model.stepsToday >= stepsPerDay) {
    model.stepsToday = 0;
    return { kind: "nextDay" };
  }
  model.stepsToday += 1;

  const approvable = model.deals.filter((deal) => nextApprovers(deal, model).length > 0);
  const releasable = model.deals.filter(
    (deal) => isComplete(deal) && model.now >= deal.releaseTime,
  );
  const refundable = model.deals.filter(
    (deal) => !isComplete(deal) && model.now >= deal.releaseTime + REFUND_DELAY_SECONDS,
  );
  const rearbitrable = model.deals.filter((deal) => arbiterMayChange(deal, model));

  const kind = random.weighted({
    create: model.deals.length - refundable.length < ENOUGH_OPEN_DEALS ? 30 : 8,
    approve: approvable.length > 0 ? 45 : 0,
    release: releasable.length > 0 ? 12 : 0,
    refund: refundable.length > 0 ? 6 : 0,
    changeArbiter: rearbitrable.length > 0 ? 4 : 0,
  });
  switch (kind) {
    case "create":
      return planCreate(model, random);
    case "approve":
      return planApprove(random.pick(approvable), model, random);
    case "release": {
      const deal = random.pick(releasable);
      close(deal, model);
      return { kind, deal, by: random.pick([deal.payer, deal.payee]) };
    }
    case "refund": {
      const deal = random.pick(refundable);
      close(deal, model);
      return { kind, deal };
    }
    case "changeArbiter":
      return planArbiterChange(random.pick(rearbitrable), model, random);
  }
}

function planCreate(model: TrafficModel, random: SeededRandom): Step {
  const payer = random.pick(model.parties);
  const payee = random.pick(model.parties.filter((party) => party !== payer));
  const approvalsRequired = Number(random.weighted({ 1: 40, 2: 45, 3: 15 }));
  const withArbiter = approvalsRequired === 3 || random.chance(0.4);
  const others = model.parties.filter((party) => party !== payer && party !== payee);
  const releaseDelay = random.chance(0.5) ? 0 : random.integer(60, 720) * 60;
  const deal: Deal = {
    revision: random.chance(0.5) ? "A" : "B",
    address: undefined,
    payer,
    payee,
    arbiter: withArbiter ? random.pick(others) : undefined,
    approvalsRequired,
    approvedBy: [],
    releaseTime: model.now + releaseDelay,
    stalled: random.chance(0.12),
  };
  model.deals.push(deal);
  const amount = parseEther(`${random.integer(1, 500) / 100}`);
  const salt = random.chance(0.3) ? random.bytes32() : undefined;
  return { kind: "create", deal, amount, releaseDelay, salt };
}

function planApprove(deal: Deal, model: TrafficModel, random: SeededRandom): Step {
  const by = random.pick(nextApprovers(deal, model));
  deal.approvedBy.push(by);
  if (isComplete(deal) && model.now >= deal.releaseTime) close(deal, model);
  return { kind: "approve", deal, by };
}

function planArbiterChange(deal: Deal, model: TrafficModel, random: SeededRandom): Step {
  const { payer, payee, arbiter: by } = deal;
  if (by === undefined) throw new Error("A deal without an arbiter cannot change it");
  const to = random.pick(model.parties.filter((party) => ![payer, payee, by].includes(party)));
  deal.arbiter = to;
  return { kind: "changeArbiter", deal, by, to };
}

/** Who may give the next approval; nobody when the deal is complete or waits for its refund. */
function nextApprovers(deal: Deal, model: TrafficModel): Address[] {
  const untilRelease = deal.releaseTime - model.now;
  const isTooClose = untilRelease > 0 && untilRelease < TOO_CLOSE_SECONDS;
  const wanted = deal.approvalsRequired - (deal.stalled || isTooClose ? 1 : 0);
  if (deal.approvedBy.length >= wanted) return [];
  return [deal.payer, deal.payee, deal.arbiter].filter(
    (party) =>
      party !== undefined && model.parties.includes(party) && !deal.approvedBy.includes(party),
  ) as Address[];
}

function arbiterMayChange(deal: Deal, model: TrafficModel): boolean {
  const { arbiter } = deal;
  return (
    arbiter !== undefined && model.parties.includes(arbiter) && !deal.approvedBy.includes(arbiter)
  );
}

function isComplete(deal: Deal): boolean {
  return deal.approvedBy.length >= deal.approvalsRequired;
}

function close(deal: Deal, model: TrafficModel): void {
  model.deals = model.deals.filter((other) => other !== deal);
}
