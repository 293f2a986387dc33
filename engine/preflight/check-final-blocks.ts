import type { BlockEvidence } from "@escrow-stream/relay";
import { ConfigError, type ConfigProblem } from "../../config/config-error.ts";
import { relationExists } from "../../db/relation-exists.ts";
import { withClient } from "../../db/with-client.ts";
import { CHECKPOINT_TABLE } from "../private-tables.ts";

type NewestFinal = { chainId: string; blockNumber: string; blockHash: string };

/**
 * Makes sure that a deployment can go on where it is: the newest block with an event in it that
 * counts as final still is in the chain. The engine itself would index the new branch on top of
 * the old one.
 *
 * @throws ConfigError when every RPC endpoint that answers has another block there
 */
export async function checkFinalBlocks(
  databaseUrl: string,
  schema: string,
  evidence: BlockEvidence,
): Promise<void> {
  const problems: ConfigProblem[] = [];
  for (const { chainId, blockNumber, blockHash } of await readNewestFinal(databaseUrl, schema))
    if (await evidence.isReplaced(Number(chainId), Number(blockNumber), blockHash))
      problems.push({
        where: `chain ${chainId}`,
        what: `has another block ${blockNumber} than ${blockHash}, which is indexed as final: see docs/how-to/a-reorg-deeper-than-finality.md`,
        code: "ES-FINAL-BLOCK-REPLACED",
      });
  if (problems.length > 0) throw new ConfigError(problems);
}

/** Of each chain; none when the deployment is new. */
async function readNewestFinal(databaseUrl: string, schema: string): Promise<NewestFinal[]> {
  return await withClient(databaseUrl, async (client) => {
    if (!(await relationExists(client, schema, CHECKPOINT_TABLE))) return [];
    const { rows } = await client.query<NewestFinal>(
      `select o.chain_id as "chainId", o.block_number as "blockNumber",
              o.block_hash as "blockHash"
       from "${schema}".${CHECKPOINT_TABLE} c
       cross join lateral (
         select * from "${schema}".outbox
         where chain_id = c.chain_id and position <= c.finalized_checkpoint
         order by position desc limit 1) o`,
    );
    return rows;
  });
}
