import {
  type DecodedMessage,
  type EventMessage,
  PermanentFailure,
  type Queryable,
  type RetractionMessage,
  rowsOf,
} from "@escrow-stream/consumer";
import { decimal, integer, text } from "./body-fields.ts";
import {
  type EscrowKey,
  readAccount,
  type StoredAccount,
  writeAccount,
} from "./escrow-account-table.ts";
import { evolveAccount, type Fact, NEW_ACCOUNT } from "./evolve-account.ts";

type PlacedFact = Fact & { eventId: string; block: number; logIndex: number };

/**
 * The effect of a message on the ledger. A new fact is folded onto the account; a retraction removes
 * its fact and its money and folds the account again from the facts that stand.
 *
 * @throws PermanentFailure when a retraction names a fact that does not stand
 */
export async function applyToLedger(
  message: DecodedMessage,
  tx: Queryable,
  schema: string,
): Promise<void> {
  if (message.kind === "event") await applyFact(message, tx, schema);
  else await applyRetraction(message, tx, schema);
}

async function applyFact(message: EventMessage, tx: Queryable, schema: string): Promise<void> {
  const { eventId, eventType, body } = message;
  const block = integer(body, "block_number");
  const logIndex = integer(body, "log_index");
  const fact: PlacedFact = { eventId, eventType, body, block, logIndex };
  await record(message, eventId, fact, tx, schema);

  const key = keyOf(message);
  const stored = await readAccount(tx, schema, key);
  const isLast =
    stored === null ||
    block > stored.lastBlock ||
    (block === stored.lastBlock && logIndex > stored.lastLogIndex);
  await writeAccount(tx, schema, key, isLast ? fold(stored, fact) : await refold(tx, schema, key));
  await enterMoney(message, tx, schema);
}

async function enterMoney(message: EventMessage, tx: Queryable, schema: string): Promise<void> {
  const { eventType, eventId, messageId, chainId, escrowAddress, body } = message;
  if (eventType !== "EscrowReleased" && eventType !== "EscrowRefunded") return;
  const isRelease = eventType === "EscrowReleased";
  await tx.query(
    `insert into ${schema}.ledger_entry
       (chain_id, escrow, kind, amount, beneficiary, event_id, message_id, settled_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8)`,
    [
      chainId,
      escrowAddress,
      isRelease ? "released" : "refunded",
      decimal(body, "amount"),
      text(body, isRelease ? "payee" : "payer"),
      eventId,
      messageId,
      decimal(body, "timestamp"),
    ],
  );
}

async function applyRetraction(
  message: RetractionMessage,
  tx: Queryable,
  schema: string,
): Promise<void> {
  const { retracts, messageId } = message;
  const key = keyOf(message);
  const retracted = await rowsOf(
    tx,
    `update ${schema}.applied_message set retracted_by = $4
     where chain_id = $1 and escrow = $2 and event_id = $3 and kind = 'event'
       and retracted_by is null
     returning 1`,
    [key.chainId, key.escrow, retracts, messageId],
  );
  if (retracted.length === 0)
    throw new PermanentFailure(`${messageId} retracts ${retracts}, which does not stand.`);
  await record(message, retracts, null, tx, schema);
  await tx.query(
    `delete from ${schema}.ledger_entry where chain_id = $1 and escrow = $2 and event_id = $3`,
    [key.chainId, key.escrow, retracts],
  );
  await writeAccount(tx, schema, key, await refold(tx, schema, key));
}

async function record(
  message: DecodedMessage,
  eventId: string,
  fact: PlacedFact | null,
  tx: Queryable,
  schema: string,
): Promise<void> {
  await tx.query(
    `insert into ${schema}.applied_message
       (publication, ordering_key, sequence, message_id, kind, event_id, incarnation, event_type,
        chain_id, escrow, block_number, log_index, body)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
    [
      message.publication,
      message.raw.orderingKey,
      message.sequence,
      message.messageId,
      message.kind,
      eventId,
      message.incarnation,
      message.eventType,
      message.chainId,
      message.escrowAddress,
      fact?.block ?? null,
      fact?.logIndex ?? null,
      JSON.stringify(message.body),
    ],
  );
}

function fold(stored: StoredAccount | null, fact: PlacedFact): StoredAccount {
  return {
    account: evolveAccount(stored?.account ?? NEW_ACCOUNT, fact),
    events: (stored?.events ?? 0) + 1,
    lastEventId: fact.eventId,
    lastBlock: fact.block,
    lastLogIndex: fact.logIndex,
  };
}

async function refold(
  tx: Queryable,
  schema: string,
  { chainId, escrow }: EscrowKey,
): Promise<StoredAccount | null> {
  const rows = await rowsOf<{
    event_id: string;
    event_type: string;
    block_number: string;
    log_index: number;
    body: Record<string, unknown>;
  }>(
    tx,
    `select event_id, event_type, block_number, log_index, body from ${schema}.applied_message
     where chain_id = $1 and escrow = $2 and kind = 'event' and retracted_by is null
     order by block_number, log_index, position`,
    [chainId, escrow],
  );
  return rows.reduce<StoredAccount | null>(
    (stored, row) =>
      fold(stored, {
        eventId: row.event_id,
        eventType: row.event_type,
        block: Number(row.block_number),
        logIndex: row.log_index,
        body: row.body,
      }),
    null,
  );
}

function keyOf({ chainId, escrowAddress }: DecodedMessage): EscrowKey {
  return { chainId, escrow: escrowAddress };
}
