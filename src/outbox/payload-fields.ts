import type { EventType, Payloads } from "../events/escrow-event.ts";

type Fields = { [T in EventType]: { [Field in keyof Required<Payloads[T]>]: true } };

/**
 * The own fields of every event in their order in the message. A payload that was read back from
 * the event store has lost it: jsonb sorts its keys.
 */
const FIELDS: Fields = {
  EscrowCreated: {
    payer: true,
    payee: true,
    arbiter: true,
    amount: true,
    release_time: true,
    approvals_required: true,
  },
  EscrowDeployed: {
    escrow: true,
    payer: true,
    payee: true,
    arbiter: true,
    amount: true,
    release_delay: true,
    approvals_required: true,
  },
  Approved: { approver: true },
  EscrowReleased: { payee: true, amount: true, timestamp: true },
  EscrowRefunded: { payer: true, amount: true, timestamp: true },
  ArbiterChanged: { old_arbiter: true, new_arbiter: true },
};

/** The names of an event's own fields, in the order in which a message has them. */
export function payloadFields(type: EventType): string[] {
  return Object.keys(FIELDS[type]);
}
