import { index, onchainTable, primaryKey, relations } from "ponder";

/*
 * Everything that the indexer writes, in the engine's one transaction per block.
 *
 * Conventions: primary keys start with the chain id. Amounts are in wei. Times are Unix seconds.
 * Addresses and hashes are lower-case hex. `*Block` is a block number. `position` is the engine's
 * 75-digit checkpoint of a log, which sorts in chain order across all chains.
 *
 * The engine runs and hashes this file: changing it re-indexes into a new deployment schema.
 */

/** The event store: one immutable row per on-chain log. */
export const event = onchainTable(
  "event",
  (t) => ({
    chainId: t.int8({ mode: "number" }).notNull(),
    /** `<chainId>-<blockHash>-<logIndex>`: the same log in another block is another fact. */
    id: t.text().notNull(),
    position: t.text().notNull(),
    /** The stream is the escrow that the event is about; the emitter may be its factory. */
    stream: t.hex().notNull(),
    /** 1, 2, 3 … per stream, without gaps. */
    streamVersion: t.integer().notNull(),
    type: t.text().notNull(),
    /** Version of the payload's shape, for `upcast`. */
    schemaVersion: t.integer().notNull(),
    /** Which revision of the contracts emitted it: `A` or `B`. */
    revision: t.text().notNull(),
    emitter: t.hex().notNull(),
    blockNumber: t.int8({ mode: "number" }).notNull(),
    blockHash: t.hex().notNull(),
    blockTimestamp: t.bigint().notNull(),
    transactionHash: t.hex().notNull(),
    logIndex: t.integer().notNull(),
    /** The event's own fields; every uint256 is a decimal string. */
    payload: t.jsonb().notNull(),
    /** Why the contract cannot have produced this event here; null for a regular one. */
    anomaly: t.text(),
    /**
     * What the event does not say and the contract was asked for: of an `EscrowCreated` of revision A
     * the arbiter at the end of its block, the zero address for none. Null elsewhere, and where the
     * configuration says not to ask.
     */
    observedArbiter: t.hex(),
  }),
  (table) => ({
    pk: primaryKey({ columns: [table.chainId, table.id] }),
    stream: index().on(table.chainId, table.stream, table.streamVersion),
    position: index().on(table.position),
    type: index().on(table.type, table.position),
    block: index().on(table.chainId, table.blockNumber),
  }),
);

/** One row per event with the final bytes of its message. Read by the relay only. */
export const outbox = onchainTable(
  "outbox",
  (t) => ({
    chainId: t.int8({ mode: "number" }).notNull(),
    position: t.text().notNull(),
    eventId: t.text().notNull(),
    blockNumber: t.int8({ mode: "number" }).notNull(),
    blockHash: t.hex().notNull(),
    /** `<chainId>:<escrow>`. */
    orderingKey: t.text().notNull(),
    /** The message body, as it is sent: UTF-8 JSON. */
    body: t.text().notNull(),
    /** The attributes that do not depend on the publication: a JSON object of strings. */
    attributes: t.text().notNull(),
  }),
  (table) => ({
    // The relay walks a chain in this order, also during a backfill, when the engine has not yet
    // created any other index.
    pk: primaryKey({ columns: [table.chainId, table.position] }),
    eventId: index().on(table.eventId),
  }),
);

/** The state of each escrow. */
export const escrow = onchainTable(
  "escrow",
  (t) => ({
    chainId: t.int8({ mode: "number" }).notNull(),
    address: t.hex().notNull(),
    /**
     * `created`, `approved` (at least one approval), `released`, `refunded`; `unknown` when events
     * came without a creation, which is always an anomaly.
     */
    status: t.text().notNull(),
    revision: t.text().notNull(),
    factory: t.hex(),
    payer: t.hex(),
    payee: t.hex(),
    /** Null when there is none, and when nobody asked a contract of revision A for it. */
    arbiter: t.hex(),
    amount: t.bigint(),
    releaseTime: t.bigint(),
    approvalsRequired: t.integer(),
    approvalsGiven: t.integer().notNull(),
    approvers: t.hex().array().notNull(),
    /** From when `release()` succeeds: null while approvals are missing, and after the end. */
    releasableFrom: t.bigint(),
    createdAt: t.bigint(),
    createdBlock: t.int8({ mode: "number" }),
    createdTransaction: t.hex(),
    settledAt: t.bigint(),
    settledBlock: t.int8({ mode: "number" }),
    settledTransaction: t.hex(),
    updatedAt: t.bigint().notNull(),
    updatedBlock: t.int8({ mode: "number" }).notNull(),
    /** Stream version of the last event folded in. */
    version: t.integer().notNull(),
    anomalies: t.integer().notNull(),
  }),
  (table) => ({
    pk: primaryKey({ columns: [table.chainId, table.address] }),
    // Each page that readers ask for is a stretch of one of these, whatever else is filtered.
    created: index().on(table.createdAt, table.chainId, table.address),
    payer: index().on(table.payer, table.createdAt, table.chainId, table.address),
    payee: index().on(table.payee, table.createdAt, table.chainId, table.address),
    arbiter: index().on(table.arbiter, table.createdAt, table.chainId, table.address),
    status: index().on(table.status, table.createdAt, table.chainId, table.address),
    amount: index().on(table.amount, table.chainId, table.address),
    releasable: index().on(table.releasableFrom, table.chainId, table.address),
  }),
);

/** One row per escrow and approver. Two approvals can share a transaction. */
export const approval = onchainTable(
  "approval",
  (t) => ({
    chainId: t.int8({ mode: "number" }).notNull(),
    escrow: t.hex().notNull(),
    approver: t.hex().notNull(),
    /** 1 for the first approval of this escrow. */
    ordinal: t.integer().notNull(),
    approvedAt: t.bigint().notNull(),
    blockNumber: t.int8({ mode: "number" }).notNull(),
    transactionHash: t.hex().notNull(),
    logIndex: t.integer().notNull(),
    eventId: t.text().notNull(),
  }),
  (table) => ({
    pk: primaryKey({ columns: [table.chainId, table.escrow, table.approver] }),
    approver: index().on(table.approver),
  }),
);

/** One row per escrow that ended. */
export const settlement = onchainTable(
  "settlement",
  (t) => ({
    chainId: t.int8({ mode: "number" }).notNull(),
    escrow: t.hex().notNull(),
    /** `released` or `refunded`. */
    outcome: t.text().notNull(),
    amount: t.bigint().notNull(),
    /** Who got the money. */
    beneficiary: t.hex().notNull(),
    payer: t.hex().notNull(),
    payee: t.hex().notNull(),
    createdAt: t.bigint().notNull(),
    settledAt: t.bigint().notNull(),
    secondsToSettle: t.bigint().notNull(),
    blockNumber: t.int8({ mode: "number" }).notNull(),
    transactionHash: t.hex().notNull(),
    eventId: t.text().notNull(),
  }),
  (table) => ({
    pk: primaryKey({ columns: [table.chainId, table.escrow] }),
    beneficiary: index().on(table.beneficiary, table.settledAt, table.chainId, table.escrow),
    settledAt: index().on(table.settledAt, table.chainId, table.escrow),
  }),
);

/** What each address has open and settled, by role. */
export const party = onchainTable(
  "party",
  (t) => ({
    chainId: t.int8({ mode: "number" }).notNull(),
    address: t.hex().notNull(),
    payerOpenCount: t.integer().notNull(),
    payerOpenAmount: t.bigint().notNull(),
    payerSettledCount: t.integer().notNull(),
    payerSettledAmount: t.bigint().notNull(),
    payeeOpenCount: t.integer().notNull(),
    payeeOpenAmount: t.bigint().notNull(),
    payeeSettledCount: t.integer().notNull(),
    payeeSettledAmount: t.bigint().notNull(),
    arbiterOpenCount: t.integer().notNull(),
    arbiterOpenAmount: t.bigint().notNull(),
    arbiterSettledCount: t.integer().notNull(),
    arbiterSettledAmount: t.bigint().notNull(),
  }),
  (table) => ({ pk: primaryKey({ columns: [table.chainId, table.address] }) }),
);

/** One-minute tumbling windows of block time, per chain. */
export const settlementMinute = onchainTable(
  "settlement_minute",
  (t) => ({
    chainId: t.int8({ mode: "number" }).notNull(),
    /** First second of the minute. */
    minute: t.bigint().notNull(),
    deployedCount: t.integer().notNull(),
    deployedAmount: t.bigint().notNull(),
    releasedCount: t.integer().notNull(),
    releasedAmount: t.bigint().notNull(),
    refundedCount: t.integer().notNull(),
    refundedAmount: t.bigint().notNull(),
  }),
  (table) => ({
    pk: primaryKey({ columns: [table.chainId, table.minute] }),
    minute: index().on(table.minute, table.chainId),
  }),
);

/** Totals per chain. */
export const chainStat = onchainTable("chain_stat", (t) => ({
  chainId: t.int8({ mode: "number" }).primaryKey(),
  events: t.integer().notNull(),
  escrows: t.integer().notNull(),
  approvals: t.integer().notNull(),
  released: t.integer().notNull(),
  refunded: t.integer().notNull(),
  anomalies: t.integer().notNull(),
  openAmount: t.bigint().notNull(),
  releasedAmount: t.bigint().notNull(),
  refundedAmount: t.bigint().notNull(),
  lastEventBlock: t.int8({ mode: "number" }).notNull(),
  lastEventAt: t.bigint().notNull(),
}));

export const escrowRelations = relations(escrow, ({ many, one }) => ({
  events: many(event),
  approvals: many(approval),
  settlement: one(settlement, {
    fields: [escrow.chainId, escrow.address],
    references: [settlement.chainId, settlement.escrow],
  }),
}));

export const eventRelations = relations(event, ({ one }) => ({
  escrow: one(escrow, {
    fields: [event.chainId, event.stream],
    references: [escrow.chainId, escrow.address],
  }),
}));

export const approvalRelations = relations(approval, ({ one }) => ({
  escrowState: one(escrow, {
    fields: [approval.chainId, approval.escrow],
    references: [escrow.chainId, escrow.address],
  }),
}));
