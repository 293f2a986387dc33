import type { Check } from "../../proof/verify/findings.ts";
import { PAYEE, PAYER } from "../support/given-events.ts";
import { position } from "../support/stand-in-deployment.ts";
import { FINAL_TOPIC } from "../support/test-world.ts";
import {
  FORKED,
  IRREGULAR,
  idOf,
  OBSERVED,
  OPEN,
  REFUNDED,
  RELEASED,
  UNPUBLISHED,
} from "./verified-history.ts";

/** One way in which a database can go wrong, and what has to say so. */
export type Corruption = {
  name: string;
  /** Statements on a database that was right; each has to change something. */
  sql: string[];
  /** The check that finds it, and the id or key that it names. */
  check: Check;
  subject: string;
  /** Found only by reading the topic. */
  onTopic?: true;
};

const released = idOf(RELEASED, "EscrowReleased");
const approved = idOf(RELEASED, "Approved");
const secondApproval = idOf(RELEASED, "Approved", 1);
const refunded = idOf(REFUNDED, "EscrowRefunded");
const observed = idOf(OBSERVED, "EscrowCreated");
const twiceApproved = idOf(IRREGULAR, "Approved", 1);
const otherHash = `0x${"ab".repeat(32)}`;
const key = `1:${RELEASED}`;

/** A message of the final publication, which is the first one. */
const finalMessage = (id: string) => `publication_id = 1 and event_id = '${id}'`;

const inEventStore: Corruption[] = [
  {
    name: "an event's payload changed",
    sql: [
      `update escrow.event set payload = jsonb_set(payload, '{amount}', '"5"') where id = '${released}'`,
    ],
    check: "outbox-message",
    subject: released,
  },
  {
    name: "a field of an event's payload lost",
    sql: [`update escrow.event set payload = payload - 'amount' where id = '${released}'`],
    check: "event-unreadable",
    subject: released,
  },
  {
    name: "an event deleted, its outbox row left",
    sql: [`delete from escrow.event where id = '${approved}'`],
    check: "outbox-orphan",
    subject: approved,
  },
  {
    name: "an event deleted with its outbox row",
    sql: [
      `delete from escrow.event where id = '${approved}'`,
      `delete from escrow.outbox where event_id = '${approved}'`,
    ],
    check: "journal-invented",
    subject: approved,
  },
  {
    name: "an event there twice, under another id",
    sql: [
      `insert into escrow.event
       select chain_id, id || '-copy', position, stream, stream_version, type, schema_version,
              revision, emitter, block_number, block_hash, block_timestamp, transaction_hash,
              log_index, payload, observed_arbiter, anomaly
       from escrow.event where id = '${approved}'`,
    ],
    check: "event-order",
    subject: `${approved}-copy`,
  },
  {
    name: "a gap in a stream's versions",
    sql: [
      `update escrow.event set stream_version = stream_version + 1 where id = '${secondApproval}'`,
    ],
    check: "stream-version",
    subject: secondApproval,
  },
  {
    name: "an event with another block hash than its id",
    sql: [`update escrow.event set block_hash = '${otherHash}' where id = '${released}'`],
    check: "event-id",
    subject: released,
  },
  {
    name: "an event moved to another block hash, id and all",
    sql: [
      `update escrow.event set block_hash = '${otherHash}', id = '1-${otherHash}-0'
       where id = '${approved}'`,
    ],
    check: "event-block",
    subject: secondApproval,
  },
  {
    name: "an event's position moved",
    sql: [
      `update escrow.event set position = '${position(1, 100, 7)}' where id = '${secondApproval}'`,
    ],
    check: "event-position",
    subject: secondApproval,
  },
  {
    name: "an event's anomaly erased",
    sql: [`update escrow.event set anomaly = null where id = '${twiceApproved}'`],
    check: "event-anomaly",
    subject: twiceApproved,
  },
  {
    name: "an observed arbiter replaced by another address",
    sql: [`update escrow.event set observed_arbiter = '${PAYER}' where id = '${observed}'`],
    check: "read-model",
    subject: `escrow 1:${OBSERVED}`,
  },
  {
    name: "an observed arbiter lost",
    sql: [`update escrow.event set observed_arbiter = null where id = '${observed}'`],
    check: "read-model",
    subject: `escrow 1:${OBSERVED}`,
  },
  {
    name: "an observed arbiter that is no address",
    sql: [`update escrow.event set observed_arbiter = '0x00' where id = '${observed}'`],
    check: "event-observed",
    subject: observed,
  },
  {
    name: "something observed beside an event that is asked for nothing",
    sql: [`update escrow.event set observed_arbiter = '${PAYER}' where id = '${released}'`],
    check: "event-observed",
    subject: released,
  },
  {
    name: "an event ascribed to another contract",
    sql: [`update escrow.event set emitter = '${OPEN}' where id = '${released}'`],
    check: "event-emitter",
    subject: released,
  },
];

const inOutbox: Corruption[] = [
  {
    name: "an outbox row lost",
    sql: [`delete from escrow.outbox where event_id = '${released}'`],
    check: "outbox-message",
    subject: released,
  },
  {
    name: "a byte of an outbox body flipped",
    sql: [
      `update escrow.outbox set body = overlay(body placing 'X' from 20) where event_id = '${released}'`,
    ],
    check: "outbox-message",
    subject: released,
  },
  {
    name: "an attribute in the outbox changed",
    sql: [
      `update escrow.outbox set attributes = replace(attributes, 'EscrowReleased', 'EscrowRefunded')
       where event_id = '${released}'`,
    ],
    check: "outbox-message",
    subject: released,
  },
  {
    name: "an ordering key in the outbox changed",
    sql: [`update escrow.outbox set ordering_key = '1:${OPEN}' where event_id = '${released}'`],
    check: "outbox-message",
    subject: released,
  },
];

const inReadModels: Corruption[] = [
  {
    name: "an escrow's status changed",
    sql: [`update escrow.escrow set status = 'released' where address = '${OPEN}'`],
    check: "read-model",
    subject: `escrow 1:${OPEN}`,
  },
  {
    name: "an escrow's amount off by one wei",
    sql: [`update escrow.escrow set amount = amount + 1 where address = '${OPEN}'`],
    check: "read-model",
    subject: `escrow 1:${OPEN}`,
  },
  {
    name: "an escrow's approvers in another order",
    sql: [
      `update escrow.escrow set approvers = array['${PAYEE}', '${PAYER}'] where address = '${RELEASED}'`,
    ],
    check: "read-model",
    subject: `escrow 1:${RELEASED}`,
  },
  {
    name: "an approval given to another event",
    sql: [
      `update escrow.approval set event_id = '${approved}' where event_id = '${secondApproval}'`,
    ],
    check: "read-model",
    subject: `approval 1:${RELEASED}:${PAYEE}`,
  },
  {
    name: "a settlement deleted",
    sql: [`delete from escrow.settlement where escrow = '${REFUNDED}'`],
    check: "read-model",
    subject: `settlement 1:${REFUNDED}`,
  },
  {
    name: "a settlement invented",
    sql: [
      `insert into escrow.settlement
       select chain_id, '${OPEN}', outcome, amount, beneficiary, payer, payee, created_at,
              settled_at, seconds_to_settle, block_number, transaction_hash, event_id
       from escrow.settlement where escrow = '${REFUNDED}'`,
    ],
    check: "read-model",
    subject: `settlement 1:${OPEN}`,
  },
  {
    name: "a party's total off by one wei",
    sql: [
      `update escrow.party set payer_open_amount = payer_open_amount - 1
       where chain_id = 1 and address = '${PAYER}'`,
    ],
    check: "read-model",
    subject: `party 1:${PAYER}`,
  },
  {
    name: "a minute counted as the next one",
    sql: [
      `update escrow.settlement_minute set minute = minute + 60
       where minute = (select max(minute) from escrow.settlement_minute)`,
    ],
    check: "read-model",
    subject: "settlement_minute 1:1702598100",
  },
  {
    name: "a chain's total off by one",
    sql: ["update escrow.chain_stat set released = released + 1 where chain_id = 10"],
    check: "read-model",
    subject: "chain_stat 10",
  },
];

const inJournal: Corruption[] = [
  {
    name: "a message of the journal lost",
    sql: [`delete from relay.message where ${finalMessage(approved)}`],
    check: "journal-missing",
    subject: approved,
  },
  {
    name: "a message's body changed",
    sql: [`update relay.message set body = body || ' ' where ${finalMessage(released)}`],
    check: "journal-bytes",
    subject: released,
  },
  {
    name: "a message's attribute changed",
    sql: [
      `update relay.message set source_attributes = source_attributes || '{"event_type": "EscrowRefunded"}'
       where ${finalMessage(released)}`,
    ],
    check: "journal-bytes",
    subject: released,
  },
  {
    name: "a gap in a key's sequences",
    sql: [
      `update relay.message set sequence = sequence + 1 where ${finalMessage(released)}`,
      `update relay.ordering_key set last_sequence = last_sequence + 1
       where publication_id = 1 and ordering_key = '${key}'`,
    ],
    check: "journal-sequence",
    subject: `${FINAL_TOPIC} ${key}`,
  },
  {
    name: "two sequences of a key swapped",
    sql: [
      `update relay.message set sequence = 100 + sequence
       where publication_id = 1 and event_id in ('${approved}', '${secondApproval}')`,
      `update relay.message
       set sequence = case event_id when '${approved}' then 4 else 3 end
       where publication_id = 1 and sequence > 100`,
    ],
    check: "journal-order",
    subject: approved,
  },
  {
    name: "a message invented",
    sql: [
      `insert into relay.message (publication_id, ordering_key, sequence, event_id, chain_id,
                                  block_number, block_hash, position, body, source_attributes)
       select 1, ordering_key, sequence + 1, 'invented', chain_id, block_number, block_hash,
              position, body, source_attributes
       from relay.message where ${finalMessage(released)}`,
      `update relay.ordering_key set last_sequence = last_sequence + 1
       where publication_id = 1 and ordering_key = '${key}'`,
    ],
    check: "journal-invented",
    subject: "invented",
  },
  {
    name: "the capture cursor ahead of what was captured",
    sql: [
      `delete from relay.message where ${finalMessage(refunded)}`,
      `update relay.ordering_key
       set last_sequence = last_sequence - 1, published_sequence = last_sequence - 1,
           in_doubt_sequence = last_sequence - 1
       where publication_id = 1 and ordering_key = '1:${REFUNDED}'`,
    ],
    check: "journal-missing",
    subject: refunded,
  },
  {
    name: "a retraction that retracts something else",
    sql: [
      `update relay.message set event_id = '${idOf(OPEN, "Approved")}'
       where kind = 'retraction' and event_id = '${idOf(FORKED, "EscrowCreated")}'
         and incarnation = 1`,
    ],
    check: "journal-incarnation",
    subject: idOf(FORKED, "EscrowCreated"),
  },
  {
    name: "a retraction's body changed",
    sql: [
      `update relay.message set body = replace(body, 'EscrowCreated', 'EscrowDeployed')
       where kind = 'retraction' and event_id = '${idOf(FORKED, "EscrowCreated")}'
         and incarnation = 1`,
    ],
    check: "journal-retraction",
    subject: idOf(FORKED, "EscrowCreated"),
  },
  {
    name: "a journal older than what the topic was seen to hold",
    sql: [
      `update relay.ordering_key set receipt_sequence = last_sequence + 1
       where publication_id = 1 and ordering_key = '${key}'`,
    ],
    check: "journal-receipt",
    subject: `${FINAL_TOPIC} ${key}`,
  },
  {
    name: "a key's bookkeeping lost",
    sql: [`delete from relay.ordering_key where publication_id = 1 and ordering_key = '${key}'`],
    check: "journal-sequence",
    subject: `${FINAL_TOPIC} ${key}`,
  },
];

const onTopic: Corruption[] = [
  {
    name: "a message marked published that is not on the topic",
    sql: [
      `update relay.ordering_key set published_sequence = last_sequence,
                                     in_doubt_sequence = last_sequence
       where publication_id = 2 and published_sequence < last_sequence`,
    ],
    check: "topic-lost",
    subject: UNPUBLISHED.id,
    onTopic: true,
  },
  {
    name: "event, outbox and journal rewritten together after publishing",
    sql: [
      `update escrow.event set payload = jsonb_set(payload, '{timestamp}', '"1"') where id = '${released}'`,
      `update escrow.outbox set body = regexp_replace(body, '"timestamp":"\\d+"', '"timestamp":"1"')
       where event_id = '${released}'`,
      `update relay.message set body = regexp_replace(body, '"timestamp":"\\d+"', '"timestamp":"1"')
       where event_id = '${released}'`,
    ],
    check: "topic-differing",
    subject: released,
    onTopic: true,
  },
];

/** Where the corruption is, for the table in docs/reference/checks.md. */
export const CORRUPTIONS: Record<string, Corruption[]> = {
  "event store": inEventStore,
  outbox: inOutbox,
  "read models": inReadModels,
  journal: inJournal,
  topic: onTopic,
};
