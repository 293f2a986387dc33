import fc from "fast-check";
import type { EscrowEvent, Hex } from "../../src/events/escrow-event.ts";
import {
  type At,
  approved,
  arbiterChanged,
  CREATED_AT,
  created,
  deployed,
  MAX_UINT256,
  refunded,
  released,
  ZERO_ADDRESS,
} from "./given-events.ts";

const FIRST: Hex = "0x0000000000000000000000000000000000000001";
const SECOND: Hex = "0x0000000000000000000000000000000000000002";
const PEOPLE: Hex[] = [FIRST, SECOND, "0x0000000000000000000000000000000000000003"];
const ESCROWS: Hex[] = [7, 8, 9].map((n): Hex => `0x${String(n).padStart(40, "e")}`);

const person = fc.constantFrom(...PEOPLE);
const personOrNone = fc.constantFrom(...PEOPLE, ZERO_ADDRESS);
// Few small amounts, so that payouts also agree with deposits, and the greatest there is.
const amount = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(1n, 2n) },
  { weight: 1, arbitrary: fc.bigInt(0n, MAX_UINT256) },
);
const approvalsRequired = fc.integer({ min: 1, max: 3 });

const place = fc.record({
  revision: fc.constantFrom("A" as const, "B" as const),
  chainId: fc.constantFrom(1, 10),
  escrow: fc.constantFrom(...ESCROWS),
});

/** What happens, without the place and time of it: any event, with payloads that mostly agree. */
const happening: fc.Arbitrary<(at: At) => EscrowEvent> = fc.oneof(
  fc
    .record({ payer: person, payee: person, arbiter: personOrNone, amount, approvalsRequired })
    .map((args) => (at: At) => created(args, { ...at, ...observed(args, at) })),
  fc
    .record({ payer: person, payee: person, arbiter: personOrNone, amount, approvalsRequired })
    .map((args) => (at: At) => deployed(args, at)),
  person.map((approver) => (at: At) => approved(approver, at)),
  fc.record({ payee: person, amount }).map((args) => (at: At) => released(args, at)),
  fc.record({ payer: person, amount }).map((args) => (at: At) => refunded(args, at)),
  fc.tuple(personOrNone, person).map(
    ([before, after]) =>
      (at: At) =>
        arbiterChanged(before, after, at),
  ),
);

/** What the contract of revision A says beside its creation. */
function observed({ arbiter }: { arbiter: Hex }, { revision }: At): At {
  return revision === "A" ? { observedArbiter: arbiter } : {};
}

const seconds = fc.constantFrom(0n, 1n, 59n, 3_600n, 2_592_000n);
const step = fc.record({ happening, place, seconds });
const creation = fc.record({
  happening: fc
    .record({ amount, approvalsRequired })
    .map((args) => (at: At) => created({ ...args, payer: FIRST, payee: SECOND }, at)),
  place,
  seconds,
});

/**
 * Histories of few people, escrows and chains, so that everything meets everything: possible and
 * impossible sequences, one person in several roles, several events in a second. Most escrows are
 * created regularly at the beginning. Time never goes back; every event has an id of its own.
 */
export const arbitraryHistory: fc.Arbitrary<EscrowEvent[]> = fc
  .tuple(fc.array(creation, { maxLength: 6 }), fc.array(step, { maxLength: 40, size: "max" }))
  .map(([creations, steps]) => {
    let timestamp = CREATED_AT;
    return [...creations, ...steps].map((each, logIndex) => {
      timestamp += each.seconds;
      return each.happening({ ...each.place, timestamp, logIndex });
    });
  });
