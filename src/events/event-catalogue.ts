/*
 * What there is to say of the events, once. Handlers, payloads, message bodies, the audit, the types
 * and JSON Schemas of `packages/messages` and the reference page are made of this table; a test
 * holds it against the ABIs of both contract revisions.
 *
 * `fields` are the event's own, in the order in which a message has them, in the newest shape of the
 * payload; a `?` marks what only revision B says. `schemaVersion` is the version in which events of
 * a revision are written. It goes into the message, so what was published pins it: raised for a
 * revision that has history, every old id gets other bytes and the publications halt. A new version
 * comes with a new revision, or with new topics
 * (docs/decisions/0014-schema-versions-of-stored-events.md).
 */

/** The forms that a value in a message has: text of a pattern, or a whole number up to a maximum. */
export const FIELD_KINDS = {
  id: { pattern: "^[1-9][0-9]*-0x[0-9a-f]{64}-(0|[1-9][0-9]*)$", words: "an event's id" },
  type: { pattern: "^[A-Z][A-Za-z]*$", words: "an event's type" },
  address: { pattern: "^0x[0-9a-f]{40}$", words: "an address in lower case" },
  hash: { pattern: "^0x[0-9a-f]{64}$", words: "a 32-byte hash in lower case" },
  /** Up to 2^256 - 1, which no pattern can say. */
  uint256: { pattern: "^(0|[1-9][0-9]{0,77})$", words: "a uint256 as a decimal string" },
  uint8: { maximum: 255, words: "a whole number from 0 to 255" },
  integer: { maximum: Number.MAX_SAFE_INTEGER, words: "a whole number" },
} as const;

/** Where and when an event was logged: what every body has between its version and its own fields. */
export const BODY_ORIGIN = {
  chain_id: "integer",
  contract_address: "address",
  escrow_address: "address",
  block_number: "integer",
  block_hash: "hash",
  block_timestamp: "integer",
  transaction_hash: "hash",
  log_index: "integer",
} as const satisfies Record<string, keyof typeof FIELD_KINDS>;

/** What contracts log. */
export type FieldKind = "address" | "uint256" | "uint8";
export type FieldType = FieldKind | `${FieldKind}?`;

export const REVISIONS = ["A", "B"] as const;
export type Revision = (typeof REVISIONS)[number];

type EventEntry = {
  /** The contract that logs it. What a factory logs belongs to the escrow that it names. */
  emitter: "escrow" | "factory";
  fields: Readonly<Record<string, FieldType>>;
  revisions: Record<
    Revision,
    { signature: `event ${string}`; topic0: `0x${string}`; schemaVersion: number }
  >;
};

export const EVENT_CATALOGUE = {
  EscrowCreated: {
    emitter: "escrow",
    fields: {
      payer: "address",
      payee: "address",
      arbiter: "address?",
      amount: "uint256",
      release_time: "uint256",
      approvals_required: "uint8",
    },
    revisions: {
      A: {
        signature:
          "event EscrowCreated(address indexed payer, address indexed payee, uint256 amount, uint256 releaseTime, uint8 approvalsRequired)",
        topic0: "0x2bed446fe799b91341702b50689176ab97d290752686124dc2dfd0c7703ce5f0",
        schemaVersion: 1,
      },
      B: {
        signature:
          "event EscrowCreated(address indexed payer, address indexed payee, address indexed arbiter, uint256 amount, uint256 releaseTime, uint8 approvalsRequired)",
        topic0: "0xe6937249bbc03fbc2004b1de77449df9901d6f3b5e685634282c4092637e2eb4",
        schemaVersion: 1,
      },
    },
  },
  EscrowDeployed: {
    emitter: "factory",
    fields: {
      escrow: "address",
      payer: "address",
      payee: "address",
      arbiter: "address?",
      amount: "uint256",
      release_delay: "uint256",
      approvals_required: "uint8",
    },
    revisions: {
      A: {
        signature:
          "event EscrowDeployed(address indexed escrow, address indexed payer, address indexed payee, uint256 amount, uint256 releaseDelay, uint8 approvalsRequired)",
        topic0: "0x3c9dc28f6be15c80198ca199cf06b1dce0f9ce0398ff42ee14daf86edf02a252",
        schemaVersion: 1,
      },
      B: {
        signature:
          "event EscrowDeployed(address indexed escrow, address indexed payer, address indexed payee, address arbiter, uint256 amount, uint256 releaseDelay, uint8 approvalsRequired)",
        topic0: "0x94de54d4de95fe813702db78e6398ce699c34fa6db663d3f60a826923fb7ace9",
        schemaVersion: 1,
      },
    },
  },
  Approved: {
    emitter: "escrow",
    fields: { approver: "address" },
    revisions: bothAlike(
      "event Approved(address indexed approver)",
      "0x5d91bd0cecc45fef102af61de92c5462fadc884a5ce9d21c15e8a85198f2349e",
    ),
  },
  EscrowReleased: {
    emitter: "escrow",
    fields: { payee: "address", amount: "uint256", timestamp: "uint256" },
    revisions: bothAlike(
      "event EscrowReleased(address indexed payee, uint256 amount, uint256 timestamp)",
      "0xe2dfcde598cb66b4f1b776076fc47ec832da9a3f92a82f224b0181ba2bfb9b9e",
    ),
  },
  EscrowRefunded: {
    emitter: "escrow",
    fields: { payer: "address", amount: "uint256", timestamp: "uint256" },
    revisions: bothAlike(
      "event EscrowRefunded(address indexed payer, uint256 amount, uint256 timestamp)",
      "0xefe2e8d9a1e53fd22b439f66298e9dc5146b8a429b9e1636e2334a59782e6904",
    ),
  },
  ArbiterChanged: {
    emitter: "escrow",
    fields: { old_arbiter: "address", new_arbiter: "address" },
    revisions: bothAlike(
      "event ArbiterChanged(address indexed oldArbiter, address indexed newArbiter)",
      "0x8baeb8e9be10c233f000f8215f52a1038a77bc736883d06f9022545ef1ab1a74",
    ),
  },
} as const satisfies Record<string, EventEntry>;

export type EventType = keyof typeof EVENT_CATALOGUE;

export const EVENT_TYPES = Object.keys(EVENT_CATALOGUE) as readonly EventType[];

/** Whether there is such an event. */
export function isEventType(type: string): type is EventType {
  return Object.hasOwn(EVENT_CATALOGUE, type);
}

/** The event's own fields with their types, in the order in which a message has them. */
export function fieldsOf(type: EventType): [name: string, type: FieldType][] {
  return Object.entries(EVENT_CATALOGUE[type].fields);
}

/** An event that both revisions log in the same way, in version 1. */
function bothAlike(
  signature: EventEntry["revisions"]["A"]["signature"],
  topic0: `0x${string}`,
): EventEntry["revisions"] {
  const said = { signature, topic0, schemaVersion: 1 };
  return { A: said, B: said };
}
