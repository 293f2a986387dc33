/** What a column means by its name, where the schema file does not say more. The first that fits. */
const MEANINGS: [name: RegExp, meaning: string][] = [
  [/^chain_id$/, "EIP-155 id of the chain."],
  [/^position$/, "Place of the log among all: 75 digits that sort in the order of the chains."],
  [/^type$/, "Name of the event."],
  [/^revision$/, "Revision of the contracts: `A` or `B`."],
  [/^event_id$/, "Id of the event in the event store."],
  [/^log_index$/, "Index of the log in its block."],
  [/^block_hash$/, "Hash of the block."],
  [/(^|_)transaction(_hash)?$/, "Hash of the transaction."],
  [/(^|_)block(_number)?$/, "Block number."],
  [/(_at|_time|_timestamp)$/, "Unix seconds."],
  [/^seconds_/, "Seconds."],
  [/(^|_)amount$/, "In wei."],
  [/_count$|^(events|escrows|approvals|released|refunded|anomalies)$/, "How many."],
  [/^approvals_/, "How many approvals."],
  [/^approvers$/, "Addresses, in the order of their approvals."],
  [/^(address|escrow|approver|emitter|factory|payer|payee|arbiter)$/, "Address in lower-case hex."],
];

/** @throws when no meaning is known: the column wants a comment in ponder.schema.ts */
export function meaningOf(column: string): string {
  const found = MEANINGS.find(([name]) => name.test(column));
  if (found === undefined)
    throw new Error(
      `nothing says what column ${column} means: see scripts/generated/column-meaning.ts`,
    );
  return found[1];
}
