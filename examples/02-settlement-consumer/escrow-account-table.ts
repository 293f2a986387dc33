import { type Queryable, rowsOf } from "@escrow-stream/consumer";
import type { Account } from "./evolve-account.ts";

/** An account with the place in the chain that it is folded up to. */
export type StoredAccount = {
  account: Account;
  events: number;
  lastEventId: string;
  lastBlock: number;
  lastLogIndex: number;
};

export type EscrowKey = { chainId: number; escrow: string };

type Row = {
  status: Account["status"];
  factory: string | null;
  payer: string | null;
  payee: string | null;
  arbiter: string | null;
  amount: string | null;
  release_time: string | null;
  approvals_required: number | null;
  approvers: string[];
  events: number;
  last_event_id: string;
  last_block: string;
  last_log_index: number;
};

export async function readAccount(
  tx: Queryable,
  schema: string,
  { chainId, escrow }: EscrowKey,
): Promise<StoredAccount | null> {
  const [row] = await rowsOf<Row>(
    tx,
    `select * from ${schema}.escrow_ledger where chain_id = $1 and escrow = $2`,
    [chainId, escrow],
  );
  if (!row) return null;
  return {
    account: {
      status: row.status,
      factory: row.factory,
      payer: row.payer,
      payee: row.payee,
      arbiter: row.arbiter,
      amount: row.amount,
      releaseTime: row.release_time,
      approvalsRequired: row.approvals_required,
      approvers: row.approvers,
    },
    events: row.events,
    lastEventId: row.last_event_id,
    lastBlock: Number(row.last_block),
    lastLogIndex: row.last_log_index,
  };
}

/** @param stored null when none of the escrow's facts stands any more */
export async function writeAccount(
  tx: Queryable,
  schema: string,
  { chainId, escrow }: EscrowKey,
  stored: StoredAccount | null,
): Promise<void> {
  if (stored === null) {
    await tx.query(`delete from ${schema}.escrow_ledger where chain_id = $1 and escrow = $2`, [
      chainId,
      escrow,
    ]);
    return;
  }
  const { account } = stored;
  const columns = {
    status: account.status,
    factory: account.factory,
    payer: account.payer,
    payee: account.payee,
    arbiter: account.arbiter,
    amount: account.amount,
    release_time: account.releaseTime,
    approvals_required: account.approvalsRequired,
    approvers: account.approvers,
    events: stored.events,
    last_event_id: stored.lastEventId,
    last_block: stored.lastBlock,
    last_log_index: stored.lastLogIndex,
  };
  const names = Object.keys(columns);
  await tx.query(
    `insert into ${schema}.escrow_ledger (chain_id, escrow, ${names.join(", ")})
     values ($1, $2, ${names.map((_, index) => `$${index + 3}`).join(", ")})
     on conflict (chain_id, escrow) do update
     set ${names.map((name) => `${name} = excluded.${name}`).join(", ")},
       updated_at = clock_timestamp()`,
    [chainId, escrow, ...Object.values(columns)],
  );
}
