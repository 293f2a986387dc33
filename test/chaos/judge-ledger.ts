import type pg from "pg";
import { LEDGER_SCHEMA } from "./settings.ts";
import { type Expected, nothingWrong, type Verdict } from "./verdict.ts";

type Applied = { event_id: string; ordering_key: string; sequence: string };
type Account = { status: string; amount: string | null; approvers: string[]; events: number };
type Entry = { escrow: string; kind: string; amount: string; beneficiary: string };

/**
 * Judges the example consumer's ledger: each event applied once and in the order of its key,
 * accounts and money equal to a fold of the outbox that is made here and knows nothing of it.
 */
export async function judgeLedger(pool: pg.Pool, expected: Expected[]): Promise<Verdict> {
  const verdict = nothingWrong();
  const { rows } = await pool.query<Applied>(
    `select event_id, ordering_key, sequence from ${LEDGER_SCHEMA}.applied_message order by position`,
  );
  const lastOf = new Map<string, number>();
  const seen = new Set<string>();
  for (const { event_id, ordering_key, sequence } of rows) {
    const id = `ledger ${event_id}`;
    const last = lastOf.get(ordering_key) ?? 0;
    if (seen.has(event_id)) verdict.duplicated.push(id);
    else if (Number(sequence) < last) verdict.reordered.push(id);
    else if (Number(sequence) > last + 1) verdict.gaps.push(id);
    lastOf.set(ordering_key, Math.max(last, Number(sequence)));
    seen.add(event_id);
  }
  for (const { eventId } of expected)
    if (!seen.has(eventId)) verdict.lost.push(`ledger ${eventId}`);

  const { accounts, entries } = fold(expected);
  const kept = await pool.query<Account & { escrow: string }>(
    `select escrow, status, amount::text, approvers, events from ${LEDGER_SCHEMA}.escrow_ledger`,
  );
  const keptEntries = await pool.query<Entry>(
    `select escrow, kind, amount::text, beneficiary from ${LEDGER_SCHEMA}.ledger_entry`,
  );
  verdict.differing.push(
    ...differences(
      new Map([...accounts].map(([escrow, account]) => [escrow, JSON.stringify(account)])),
      new Map(
        kept.rows.map(({ escrow, status, amount, approvers, events }) => [
          escrow,
          JSON.stringify({ status, amount, approvers, events }),
        ]),
      ),
    ).map((escrow) => `ledger account ${escrow}`),
    ...differences(
      new Map(entries.map((entry) => [entry.escrow, entryInWords(entry)])),
      grouped(keptEntries.rows),
    ).map((escrow) => `ledger entry of ${escrow}`),
  );
  return verdict;
}

function fold(expected: Expected[]): { accounts: Map<string, Account>; entries: Entry[] } {
  const accounts = new Map<string, Account>();
  const entries: Entry[] = [];
  for (const { body } of expected) {
    const fact = JSON.parse(body) as Record<string, string>;
    const escrow = fact.escrow_address ?? "";
    const none = { status: "unknown", amount: null, approvers: [], events: 0 };
    const account = accounts.get(escrow) ?? none;
    accounts.set(escrow, account);
    account.events += 1;
    if (fact.event_type === "EscrowCreated") {
      account.status = "created";
      account.amount = fact.amount ?? null;
    } else if (fact.event_type === "Approved") {
      account.status = "approved";
      account.approvers.push(fact.approver ?? "");
    } else if (fact.event_type === "EscrowReleased" || fact.event_type === "EscrowRefunded") {
      account.status = fact.event_type === "EscrowReleased" ? "released" : "refunded";
      const beneficiary = (fact.event_type === "EscrowReleased" ? fact.payee : fact.payer) ?? "";
      entries.push({ escrow, kind: account.status, amount: fact.amount ?? "", beneficiary });
    }
  }
  return { accounts, entries };
}

function grouped(entries: Entry[]): Map<string, string> {
  const byEscrow = new Map<string, string>();
  for (const entry of entries) {
    const others = byEscrow.get(entry.escrow);
    byEscrow.set(
      entry.escrow,
      `${others === undefined ? "" : `${others}; `}${entryInWords(entry)}`,
    );
  }
  return byEscrow;
}

function entryInWords({ kind, amount, beneficiary }: Entry): string {
  return `${kind} ${amount} to ${beneficiary}`;
}

function differences(expected: Map<string, string>, found: Map<string, string>): string[] {
  const keys = new Set([...expected.keys(), ...found.keys()]);
  return [...keys].filter((key) => expected.get(key) !== found.get(key));
}
