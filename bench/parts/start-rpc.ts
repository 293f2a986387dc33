import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { type Child, forkChild } from "../framework/child.ts";
import { writeChainFile } from "./chain-file.ts";
import type { ChainBlock } from "./escrow-chain.ts";

/** A node that answers from a recorded chain. */
export type RunningRpc = {
  url: string;
  /** The last block of the recording. */
  lastBlock: number;
  child: Child;
  /** Has the chain end at this block, until told otherwise. */
  setHead: (block: number) => Promise<void>;
};

/**
 * Records a chain in the folder and starts a node for it in a process of its own.
 *
 * @param latencyMs how long each answer takes
 */
export async function startRpc(
  folder: string,
  blocks: Iterable<ChainBlock>,
  latencyMs = 0,
): Promise<RunningRpc> {
  const path = join(folder, `chain-${randomUUID()}.ndjson`);
  await writeChainFile(path, blocks);
  const child = forkChild(join(import.meta.dirname, "rpc-process.ts"), [], {
    env: {
      ...process.env,
      CHAIN_FILE: path,
      LATENCY_MS: String(latencyMs),
    },
    execArgv: ["--max-old-space-size=8000"],
  });
  const { url, head } = await child.message<{ url: string; head: number }>();
  return {
    url,
    lastBlock: head,
    child,
    setHead: async (block) => {
      child.process.send({ head: block });
      await child.message();
    },
  };
}
