import { type RowOf, view } from "./view.ts";

/*
 * The stable views of schema `escrow`, as far as the query side reads them. A test holds them
 * against the schema file, which documents each column.
 */

export const ESCROW = view(
  "escrow",
  {
    chain_id: "int8",
    address: "text",
    status: "text",
    revision: "text",
    factory: "text?",
    payer: "text?",
    payee: "text?",
    arbiter: "text?",
    amount: "numeric?",
    release_time: "numeric?",
    approvals_required: "int4?",
    approvals_given: "int4",
    approvers: "text[]",
    releasable_from: "numeric?",
    created_at: "numeric?",
    created_block: "int8?",
    created_transaction: "text?",
    settled_at: "numeric?",
    settled_block: "int8?",
    settled_transaction: "text?",
    updated_at: "numeric",
    updated_block: "int8",
    version: "int4",
    anomalies: "int4",
  },
  ["chain_id", "address"],
);
export type EscrowRow = RowOf<typeof ESCROW>;

export const EVENT = view(
  "event",
  {
    chain_id: "int8",
    id: "text",
    position: "text",
    stream: "text",
    stream_version: "int4",
    type: "text",
    schema_version: "int4",
    revision: "text",
    emitter: "text",
    block_number: "int8",
    block_hash: "text",
    block_timestamp: "numeric",
    transaction_hash: "text",
    log_index: "int4",
    payload: "jsonb",
    anomaly: "text?",
    observed_arbiter: "text?",
  },
  ["chain_id", "id"],
);
export type EventRow = RowOf<typeof EVENT>;

export const APPROVAL = view(
  "approval",
  {
    chain_id: "int8",
    escrow: "text",
    approver: "text",
    ordinal: "int4",
    approved_at: "numeric",
    block_number: "int8",
    transaction_hash: "text",
    log_index: "int4",
    event_id: "text",
  },
  ["chain_id", "escrow", "approver"],
);
export type ApprovalRow = RowOf<typeof APPROVAL>;

export const SETTLEMENT = view(
  "settlement",
  {
    chain_id: "int8",
    escrow: "text",
    outcome: "text",
    amount: "numeric",
    beneficiary: "text",
    payer: "text",
    payee: "text",
    created_at: "numeric",
    settled_at: "numeric",
    seconds_to_settle: "numeric",
    block_number: "int8",
    transaction_hash: "text",
    event_id: "text",
  },
  ["chain_id", "escrow"],
);
export type SettlementRow = RowOf<typeof SETTLEMENT>;

export const PARTY = view(
  "party",
  {
    chain_id: "int8",
    address: "text",
    payer_open_count: "int4",
    payer_open_amount: "numeric",
    payer_settled_count: "int4",
    payer_settled_amount: "numeric",
    payee_open_count: "int4",
    payee_open_amount: "numeric",
    payee_settled_count: "int4",
    payee_settled_amount: "numeric",
    arbiter_open_count: "int4",
    arbiter_open_amount: "numeric",
    arbiter_settled_count: "int4",
    arbiter_settled_amount: "numeric",
  },
  ["chain_id", "address"],
);
export type PartyRow = RowOf<typeof PARTY>;

export const SETTLEMENT_MINUTE = view(
  "settlement_minute",
  {
    chain_id: "int8",
    minute: "numeric",
    deployed_count: "int4",
    deployed_amount: "numeric",
    released_count: "int4",
    released_amount: "numeric",
    refunded_count: "int4",
    refunded_amount: "numeric",
  },
  ["chain_id", "minute"],
);
export type SettlementMinuteRow = RowOf<typeof SETTLEMENT_MINUTE>;

export const CHAIN_STAT = view(
  "chain_stat",
  {
    chain_id: "int8",
    events: "int4",
    escrows: "int4",
    approvals: "int4",
    released: "int4",
    refunded: "int4",
    anomalies: "int4",
    open_amount: "numeric",
    released_amount: "numeric",
    refunded_amount: "numeric",
    last_event_block: "int8",
    last_event_at: "numeric",
  },
  ["chain_id"],
);
export type ChainStatRow = RowOf<typeof CHAIN_STAT>;
