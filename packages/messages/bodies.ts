// Generated from src/events/event-catalogue.ts by scripts/generate.ts. Do not edit.

/** An address or a hash: lower-case hex. */
export type Hex = `0x${string}`;

/** Which message it is, and where and when its event was logged. Times are Unix seconds. */
type Origin = {
  event_id: string;
  chain_id: number;
  contract_address: Hex;
  escrow_address: Hex;
  block_number: number;
  block_hash: Hex;
  block_timestamp: number;
  transaction_hash: Hex;
  log_index: number;
};

/** EscrowCreated, logged by the escrow. */
export type EscrowCreatedBody = Origin & {
  event_type: "EscrowCreated";
  schema_version: 1;
  payer: Hex;
  payee: Hex;
  /** Of revision B's events only. */
  arbiter?: Hex;
  amount: string;
  release_time: string;
  approvals_required: number;
};

/** EscrowDeployed, logged by the factory. */
export type EscrowDeployedBody = Origin & {
  event_type: "EscrowDeployed";
  schema_version: 1;
  escrow: Hex;
  payer: Hex;
  payee: Hex;
  /** Of revision B's events only. */
  arbiter?: Hex;
  amount: string;
  release_delay: string;
  approvals_required: number;
};

/** Approved, logged by the escrow. */
export type ApprovedBody = Origin & {
  event_type: "Approved";
  schema_version: 1;
  approver: Hex;
};

/** EscrowReleased, logged by the escrow. */
export type EscrowReleasedBody = Origin & {
  event_type: "EscrowReleased";
  schema_version: 1;
  payee: Hex;
  amount: string;
  timestamp: string;
};

/** EscrowRefunded, logged by the escrow. */
export type EscrowRefundedBody = Origin & {
  event_type: "EscrowRefunded";
  schema_version: 1;
  payer: Hex;
  amount: string;
  timestamp: string;
};

/** ArbiterChanged, logged by the escrow. */
export type ArbiterChangedBody = Origin & {
  event_type: "ArbiterChanged";
  schema_version: 1;
  old_arbiter: Hex;
  new_arbiter: Hex;
};

/** Retracts an event that was published: its block is not part of the chain any more. */
export type EventRetractedBody = Origin & {
  event_type: "EventRetracted";
  schema_version: 1;
  retracts: string;
  retracts_type: EventType;
};

/** A fact of the chain. */
export type EventBody =
  | EscrowCreatedBody
  | EscrowDeployedBody
  | ApprovedBody
  | EscrowReleasedBody
  | EscrowRefundedBody
  | ArbiterChangedBody;

export type EventType = EventBody["event_type"];

/** The forms of values: text of a pattern, or a whole number up to a maximum. */
export const KINDS = {
  id: { pattern: "^[1-9][0-9]*-0x[0-9a-f]{64}-(0|[1-9][0-9]*)$", words: "an event's id" },
  type: { pattern: "^[A-Z][A-Za-z]*$", words: "an event's type" },
  address: { pattern: "^0x[0-9a-f]{40}$", words: "an address in lower case" },
  hash: { pattern: "^0x[0-9a-f]{64}$", words: "a 32-byte hash in lower case" },
  uint256: { pattern: "^(0|[1-9][0-9]{0,77})$", words: "a uint256 as a decimal string" },
  uint8: { maximum: 255, words: "a whole number from 0 to 255" },
  integer: { maximum: 9007199254740991, words: "a whole number" },
  retraction_id: {
    pattern: "^retraction-[1-9][0-9]*-[1-9][0-9]*-0x[0-9a-f]{64}-(0|[1-9][0-9]*)$",
    words: "a retraction's id",
  },
} as const;

/** A field's kind; a `?` marks a field that may be absent. */
export type FieldType = keyof typeof KINDS | `${keyof typeof KINDS}?`;

type Fields = Readonly<Record<string, FieldType>>;

/** What every body has behind `event_id`, `event_type` and `schema_version`, in this order. */
export const ORIGIN_FIELDS = {
  chain_id: "integer",
  contract_address: "address",
  escrow_address: "address",
  block_number: "integer",
  block_hash: "hash",
  block_timestamp: "integer",
  transaction_hash: "hash",
  log_index: "integer",
} as const satisfies Fields;

/** What follows the origin in each body, in this order. */
export const BODIES: Readonly<
  Record<EventType | "EventRetracted", { schemaVersion: number; id: FieldType; fields: Fields }>
> = {
  EscrowCreated: {
    schemaVersion: 1,
    id: "id",
    fields: {
      payer: "address",
      payee: "address",
      arbiter: "address?",
      amount: "uint256",
      release_time: "uint256",
      approvals_required: "uint8",
    },
  },
  EscrowDeployed: {
    schemaVersion: 1,
    id: "id",
    fields: {
      escrow: "address",
      payer: "address",
      payee: "address",
      arbiter: "address?",
      amount: "uint256",
      release_delay: "uint256",
      approvals_required: "uint8",
    },
  },
  Approved: { schemaVersion: 1, id: "id", fields: { approver: "address" } },
  EscrowReleased: {
    schemaVersion: 1,
    id: "id",
    fields: { payee: "address", amount: "uint256", timestamp: "uint256" },
  },
  EscrowRefunded: {
    schemaVersion: 1,
    id: "id",
    fields: { payer: "address", amount: "uint256", timestamp: "uint256" },
  },
  ArbiterChanged: {
    schemaVersion: 1,
    id: "id",
    fields: { old_arbiter: "address", new_arbiter: "address" },
  },
  EventRetracted: {
    schemaVersion: 1,
    id: "retraction_id",
    fields: { retracts: "id", retracts_type: "type" },
  },
};
