import type { Env } from "./section.ts";
import type { VariableName } from "./variables.ts";

type OldVariable = { isNow: VariableName } | { notNeeded: string };

/**
 * Variables of the older relayer, and of earlier versions of this program, whose names are not ours. `CHAIN_ID`, `CONTRACT_ADDRESS`,
 * `START_BLOCK`, `RPC_URL`, `PUBSUB_PROJECT_ID`, `PUBSUB_TOPIC_ID` and `POLL_INTERVAL_SECONDS` are
 * the same in both.
 */
export const OLDER_RELAYER: Record<string, OldVariable> = {
  PUBSUB_TOPIC: { isNow: "PUBSUB_TOPIC_ID" },
  RELAYER_POLL_INTERVAL: { isNow: "POLL_INTERVAL_SECONDS" },
  RELAY_RECEIPTS_SETTLE_MS: { isNow: "RELAY_RECEIPTS_DELAY_MS" },
  BATCH_SIZE: {
    notNeeded:
      "the engine chooses how many blocks it asks for; RPC_REQUESTS_PER_SECOND sets the pace",
  },
  RELAYER_BATCH_SIZE: {
    notNeeded: "each publish request takes all that waits for its key, as far as Pub/Sub allows",
  },
  MAX_CONCURRENT_REQUESTS: {
    notNeeded: "RPC_REQUESTS_PER_SECOND says what the provider allows",
  },
  CHECKPOINT_INTERVAL_BLOCKS: {
    notNeeded: "the checkpoint is written in the transaction of the rows that it belongs to",
  },
  RELAYER_CHECKPOINT_INTERVAL: {
    notNeeded: "what was published is recorded with each publish request",
  },
};

/**
 * Takes over what the older relayer's variables say. Ours go before them.
 *
 * @returns what to add to the environment, and one line for each old variable that is set
 */
export function fromOlderRelayer(env: Env): { added: Record<string, string>; notes: string[] } {
  const added: Record<string, string> = {};
  const notes: string[] = [];
  for (const [name, old] of Object.entries(OLDER_RELAYER)) {
    const value = env[name];
    if (!value) continue;
    if ("notNeeded" in old) notes.push(`${name} is not needed here: ${old.notNeeded}.`);
    else if (env[old.isNow])
      notes.push(`${name} is ${old.isNow} here, which is set as well and goes before it.`);
    else {
      added[old.isNow] = value;
      notes.push(`${name} is taken for ${old.isNow}.`);
    }
  }
  return { added, notes };
}
