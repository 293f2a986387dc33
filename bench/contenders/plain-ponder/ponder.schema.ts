import { onchainTable } from "ponder";

export const event = onchainTable("event", (t) => ({
  id: t.text().primaryKey(),
  escrow: t.hex().notNull(),
  type: t.text().notNull(),
  args: t.json().notNull(),
  blockNumber: t.bigint().notNull(),
  timestamp: t.bigint().notNull(),
  transactionHash: t.hex().notNull(),
  logIndex: t.integer().notNull(),
}));

export const escrow = onchainTable("escrow", (t) => ({
  address: t.hex().primaryKey(),
  status: t.text().notNull(),
  payer: t.hex(),
  payee: t.hex(),
  arbiter: t.hex(),
  amount: t.bigint(),
  releaseTime: t.bigint(),
  approvalsRequired: t.integer(),
  approvals: t.integer().notNull(),
  updatedAt: t.bigint().notNull(),
}));
