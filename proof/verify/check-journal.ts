import { isDeepStrictEqual } from "node:util";
import type { Attributes } from "@escrow-stream/messages";
import { sql } from "kysely";
import type { FrozenDatabase } from "../../db/frozen-database.ts";
import type { DeployedChain, Deployment } from "../../engine/deployment/find-deployment.ts";
import { ponderOutbox } from "../../engine/outbox-source.ts";
import { orderingKey } from "../../packages/relay/capture/capture.ts";
import { isDue } from "../../packages/relay/capture/is-due.ts";
import type { Publication } from "../../packages/relay/journal/publication.ts";
import {
  type AttributesRow,
  sentAttributes,
} from "../../packages/relay/journal/sent-attributes.ts";
import { isStanding } from "../../packages/relay/reorg/reconcile.ts";
import type { Findings } from "./findings.ts";

/** What is behind on a chain, and is no difference: it passes by itself. */
export type JournalLag = {
  /** Due, and behind the capture cursor. */
  notYetCaptured: number;
  /** Not final enough for this publication. */
  notYetDue: number;
  /** Announced, and in a block that the deployment has not indexed (again) yet. */
  notYetIndexed: number;
  /** Announced and gone, in blocks that are not final: to come back or to be retracted. */
  unconfirmed: number;
};

const PAGE_ROWS = 20_000;

/**
 * Compares the journal of a publication with the outbox of a deployment, whose bytes are compared
 * with the events elsewhere: nothing invented, nothing missed, everything with its bytes.
 */
export async function checkJournal(
  database: FrozenDatabase,
  deployment: Deployment,
  publication: Publication,
  findings: Findings,
): Promise<JournalLag> {
  const lag: JournalLag = { notYetCaptured: 0, notYetDue: 0, notYetIndexed: 0, unconfirmed: 0 };
  for (const chain of deployment.chains) {
    await checkMessages(database, deployment, publication, chain, findings, lag);
    await checkCaptured(database, deployment, publication, chain, findings, lag);
  }
  return lag;
}

type MessageRow = AttributesRow & {
  ordering_key: string;
  block_number: string;
  is_gone: boolean;
  /** What differs, but for attributes. */
  wrong: string;
  /** Null while the journal has just these. */
  outbox_attributes: Attributes | null;
};

/** Every announcement against its outbox row. Both lie in this order, so pages are merged. */
async function checkMessages(
  database: FrozenDatabase,
  { schema }: Deployment,
  publication: Publication,
  chain: DeployedChain,
  findings: Findings,
  lag: JournalLag,
): Promise<void> {
  const { id } = publication;
  const { rows: outbox } = ponderOutbox({ schema });
  for (let from = ""; ; ) {
    const [page] = await database.read(
      sql<{ upto: string | null }>`
        select max(position) as upto from (
          select position from relay.message
          where publication_id = ${id} and chain_id = ${chain.chainId} and position > ${from}
          order by position limit ${PAGE_ROWS}) p`,
    );
    const upto = page?.upto ?? null;
    if (upto === null) return;
    const rows = await database.read(
      sql<MessageRow>`
        select * from (
          select m.kind, m.event_id, m.incarnation, m.ordering_key, m.sequence, m.block_number,
                 m.source_attributes,
                 nullif(o.attributes, m.source_attributes) as outbox_attributes,
                 o.event_id is null and ${isStanding()} as is_gone,
                 case when o.event_id is not null then concat_ws(', ',
                   case when m.body <> o.body then 'body' end,
                   case when m.ordering_key <> ${orderingKey(publication)} then 'ordering key' end,
                   case when m.block_number <> o.height or m.block_hash <> o.hash
                        then 'block' end) else '' end as wrong
          from relay.message m
          left join ${outbox} o
            on o.line = m.chain_id and o.position = m.position and o.event_id = m.event_id
          where m.publication_id = ${id} and m.chain_id = ${chain.chainId} and m.kind = 'event'
            and m.position > ${from} and m.position <= ${upto}) compared
        where is_gone or wrong <> '' or outbox_attributes is not null`,
    );
    for (const row of rows) judgeMessage(row, publication, chain, findings, lag);
    from = upto;
  }
}

function judgeMessage(
  row: MessageRow,
  publication: Publication,
  chain: DeployedChain,
  findings: Findings,
  lag: JournalLag,
): void {
  const where = `${publication.topic} ${row.ordering_key} #${row.sequence}`;
  const block = Number(row.block_number);
  const wrong = [row.wrong, ...(hasOtherAttributes(row, publication) ? ["attributes"] : [])];
  const inWords = wrong.filter((each) => each !== "").join(", ");
  if (inWords !== "")
    findings.add("journal-bytes", row.event_id, `${where}: another ${inWords} than the outbox`);
  else if (!row.is_gone) return;
  else if (block > chain.indexedBlock) lag.notYetIndexed += 1;
  else if (block > chain.finalBlock) lag.unconfirmed += 1;
  else
    findings.add(
      "journal-invented",
      row.event_id,
      `${where}: block ${block} is final, and the event store has no such event there`,
    );
}

/**
 * Whether the message is sent with others than one of its outbox row. A journal of before 0.2.0
 * holds all that it is sent with, a later one what the outbox says: what is sent is the same.
 */
function hasOtherAttributes(row: MessageRow, publication: Publication): boolean {
  const { outbox_attributes: ofOutbox } = row;
  if (ofOutbox === null) return false;
  const wanted = sentAttributes(publication, { ...row, source_attributes: ofOutbox });
  return !isDeepStrictEqual(sentAttributes(publication, row), wanted);
}

/**
 * Every outbox row against the journal. The capture cursor says up to where all that was due had
 * to be captured; when its row is gone, the last final row that it passed does.
 */
async function checkCaptured(
  database: FrozenDatabase,
  { schema, buildId }: Deployment,
  { id, topic, finality }: Publication,
  { chainId, finalized, latestBlock }: DeployedChain,
  findings: Findings,
  lag: JournalLag,
): Promise<void> {
  const { rows: outbox } = ponderOutbox({ schema });
  const [cursor] = await database.read(
    sql<{ passed: string }>`
      select coalesce(max(o.position), '') as passed
      from relay.capture_cursor k
      join ${outbox} o on o.line = k.chain_id
        and ((o.position = k.tip_position and o.event_id = k.tip_event_id)
             or o.position = k.settled_position)
      where k.publication_id = ${id} and k.chain_id = ${chainId}
        -- As capture names what it reads: a build, and the very table that its outbox is.
        and k.deployment = ${buildId} || '/' || to_regclass(format('%I.outbox', ${schema}::text))::oid`,
  );
  const passed = cursor?.passed ?? "";
  const rows = await database.read(
    sql<{ event_id: string | null; missing: string; due: string; not_due: string }>`
      with absent as materialized (
        select o.event_id, o.position, o.position <= ${passed} as is_passed,
               ${isDue(finality, sql`${finalized}::text`, sql`${latestBlock}::bigint`)} as is_due
        from ${outbox} o
        where o.line = ${chainId} and not exists (
          select from relay.message m
          where m.publication_id = ${id} and m.event_id = o.event_id and m.kind = 'event'
            and ${isStanding()})
      ),
      counted as (
        select count(*) filter (where is_passed) as missing,
               count(*) filter (where not is_passed and is_due) as due,
               count(*) filter (where not is_passed and not is_due) as not_due
        from absent
      )
      select a.event_id, n.missing, n.due, n.not_due
      from counted n
      left join (select * from absent where is_passed order by position limit ${findings.limit}) a
        on true
      order by a.position`,
  );
  const [first] = rows;
  const named = rows.flatMap(({ event_id }) => (event_id === null ? [] : [event_id]));
  for (const eventId of named)
    findings.add("journal-missing", eventId, `${topic}: the capture cursor has passed it`);
  findings.countOnly("journal-missing", Number(first?.missing ?? 0) - named.length);
  lag.notYetCaptured += Number(first?.due ?? 0);
  lag.notYetDue += Number(first?.not_due ?? 0);
}
