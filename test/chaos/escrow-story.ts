import { positionOfLog } from "../../engine/checkpoint.ts";
import type { SeededRandom } from "../../local/chain/seeded-random.ts";
import type { EscrowEvent, Hex, Payloads } from "../../src/events/escrow-event.ts";
import type { EventType } from "../../src/events/event-catalogue.ts";
import { toEscrowEvent } from "../../src/events/to-escrow-event.ts";

type OpenEscrow = { address: Hex; payer: Hex; payee: Hex; amount: string; stepsLeft: number };

/** The events of a block, and the engine's checkpoint of its end. */
export type StoryBlock = { number: number; checkpoint: string; events: EscrowEvent[] };

const CHAIN_ID = 11155111;
const FACTORY: Hex = "0x00000000000000000000000000000000000000fa";
const GENESIS_TIME = 1_700_000_000;
const SECONDS_PER_BLOCK = 12;
const OPEN_ESCROWS = 40;
const LAST_EVENT = 9_999;

/**
 * An endless chain of escrows, the same for the same seed: each is created, deployed, approved or
 * handed to other arbiters some times, and released or refunded. Some dozens are open at a time.
 */
export class EscrowStory {
  readonly #random: SeededRandom;
  readonly #open: OpenEscrow[] = [];
  #block = 0;

  constructor(random: SeededRandom) {
    this.#random = random;
  }

  nextBlock(): StoryBlock {
    const number = ++this.#block;
    const hash = this.#random.bytes32();
    const events: EscrowEvent[] = [];
    const log = <T extends EventType>(type: T, emitter: Hex, payload: Payloads[T]): void => {
      const logIndex = events.length;
      const source = {
        id: position(number, logIndex),
        log: { address: emitter, logIndex },
        block: { number: BigInt(number), hash, timestamp: BigInt(timeOf(number)) },
        transaction: { hash: this.#random.bytes32() },
      };
      events.push(toEscrowEvent(type, "B", CHAIN_ID, source, payload));
    };
    for (let happenings = this.#random.integer(1, 6); happenings > 0; happenings--)
      if (this.#open.length < OPEN_ESCROWS && this.#random.chance(0.5)) this.#create(log, number);
      else this.#goOn(log, number);
    return { number, checkpoint: position(number, LAST_EVENT), events };
  }

  #create(log: Log, number: number): void {
    const { payer, payee } = { payer: this.#address(), payee: this.#address() };
    const escrow = { address: this.#address(), payer, payee, amount: this.#amount() };
    const terms = { payer, payee, arbiter: this.#address(), amount: escrow.amount };
    log("EscrowCreated", escrow.address, {
      ...terms,
      release_time: String(timeOf(number) + 3_600),
      approvals_required: 2,
    });
    log("EscrowDeployed", FACTORY, {
      escrow: escrow.address,
      ...terms,
      release_delay: "3600",
      approvals_required: 2,
    });
    this.#open.push({ ...escrow, stepsLeft: this.#random.integer(2, 12) });
  }

  #goOn(log: Log, number: number): void {
    const at = this.#random.integer(0, Math.max(0, this.#open.length - 1));
    const escrow = this.#open[at];
    if (escrow === undefined) {
      this.#create(log, number);
      return;
    }
    const { address, payer, payee, amount } = escrow;
    escrow.stepsLeft -= 1;
    if (escrow.stepsLeft > 0) {
      if (this.#random.chance(0.5)) log("Approved", address, { approver: this.#address() });
      else {
        const [old_arbiter, new_arbiter] = [this.#address(), this.#address()];
        log("ArbiterChanged", address, { old_arbiter, new_arbiter });
      }
      return;
    }
    this.#open.splice(at, 1);
    const timestamp = String(timeOf(number));
    if (this.#random.chance(0.7)) log("EscrowReleased", address, { payee, amount, timestamp });
    else log("EscrowRefunded", address, { payer, amount, timestamp });
  }

  #address(): Hex {
    return this.#random.bytes32().slice(0, 42) as Hex;
  }

  #amount(): string {
    return String(BigInt(this.#random.bytes32()) >> BigInt(this.#random.integer(0, 200)));
  }
}

type Log = <T extends EventType>(type: T, emitter: Hex, payload: Payloads[T]) => void;

function timeOf(block: number): number {
  return GENESIS_TIME + block * SECONDS_PER_BLOCK;
}

function position(blockNumber: number, logIndex: number): string {
  const timestamp = BigInt(timeOf(blockNumber));
  return positionOfLog({
    ...{ timestamp, chainId: CHAIN_ID, blockNumber },
    ...{ transactionIndex: logIndex, logIndex },
  });
}
