import { expect } from "vitest";
import { backUpJournal } from "./journal-backup.ts";
import type { RelayBed } from "./relay-bed.ts";
import type { OutboxRow } from "./stand-in-outbox.ts";
import { waitUntil } from "./wait-until.ts";

/* What the tests of a restored journal tell, and how it must have gone out. */

/** An event as the engine would write it: its body says where it was, but not at which position. */
export function event(
  key: string,
  block: number,
  index = 0,
  id = `e-${block}-${index}`,
): OutboxRow {
  const body = {
    event_id: id,
    chain_id: 1,
    block_number: block,
    block_hash: `0x${block}`,
    block_timestamp: 1_700_000_000 + block,
    log_index: index + 7,
  };
  return { key, block, index, id, body: JSON.stringify(body) };
}

/** What an ordinary subscriber gets, as `<key>#<sequence> <event id>`. */
export function subscribe(bed: RelayBed): Promise<string[]> {
  return bed.subscribe(
    ({ orderingKey, attributes }) => `${orderingKey}#${attributes.sequence} ${attributes.event_id}`,
  );
}

export async function published(bed: RelayBed, count: number): Promise<void> {
  await waitUntil(`${count} messages are published`, async () => {
    const { rows } = await bed.pool.query(
      `select sum(last_sequence)::int as captured, sum(published_sequence)::int as published,
              bool_or(published_sequence < in_doubt_sequence) as is_in_doubt
       from relay.ordering_key`,
    );
    const [{ captured, published: accepted, is_in_doubt }] = rows;
    return captured === count && accepted === count && !is_in_doubt;
  });
}

export async function haltedReason(bed: RelayBed): Promise<string> {
  return await waitUntil("the publication is halted", async () => {
    const { rows } = await bed.pool.query("select halted_reason from relay.publication");
    return rows[0].halted_reason ?? undefined;
  });
}

/** Every event once, and each key without a gap and in sequence. */
export function expectEachOnce(seen: string[], count: number): void {
  expect(new Set(seen).size).toBe(seen.length);
  expect(new Set(seen.map((one) => one.split(" ")[1])).size).toBe(seen.length);
  expect(seen).toHaveLength(count);
  for (const key of new Set(seen.map((one) => one.split("#")[0]))) {
    const own = seen.filter((one) => one.startsWith(`${key}#`));
    expect(own.map((one) => Number(one.split(/[# ]/)[1]))).toEqual(own.map((_, at) => at + 1));
  }
}

/** Two messages are in the backup, four more only on the topic. */
export async function publishBeyondTheBackup(
  bed: RelayBed,
  subscribeToo: () => Promise<void> = async () => undefined,
  backUp: () => Promise<void> = () => backUpJournal(bed.pool),
): Promise<{ seen: string[]; stop: () => Promise<void> }> {
  const seen = await subscribe(bed);
  await subscribeToo();
  const stop = bed.startRelay();
  await bed.outbox.append(event("a", 1), event("b", 1, 1));
  await published(bed, 2);
  await backUp();
  await bed.outbox.append(event("a", 2), event("a", 3), event("b", 3, 1), event("c", 3, 2));
  await published(bed, 6);
  return { seen, stop };
}
