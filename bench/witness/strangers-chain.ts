import { createHash } from "node:crypto";
import { type ChainBlock, type ChainLog, FACTORIES, TOPICS } from "../parts/escrow-chain.ts";

export type StrangersChainOptions = {
  blocks: number;
  /** In each block, with a log each. */
  transactions: number;
  /** Whether each block's bloom speaks of a factory and of an announcement, without there being one. */
  looksLikeOurs: boolean;
};

const GENESIS_SECONDS = 1_600_000_000;
const BLOCK_SECONDS = 12;

/** A chain on which our contracts log nothing that we follow. */
export function* strangersChain(options: StrangersChainOptions): Generator<ChainBlock> {
  const { blocks, transactions, looksLikeOurs } = options;
  for (let number = 1; number <= blocks; number++) {
    const logs = Array.from({ length: transactions }, (_, at) => strangersLog(`${number}/${at}`));
    if (looksLikeOurs) {
      logs[0] = { ...strangersLog(`${number}`), address: FACTORIES.A };
      logs[1] = { ...strangersLog(`${number}`), topics: [TOPICS.deployedA] };
    }
    yield {
      ...{ number, timestamp: GENESIS_SECONDS + number * BLOCK_SECONDS },
      transactions: logs.map((log) => ({ from: log.address, to: log.address, logs: [log] })),
    };
  }
}

/** A transfer of some token: what most logs of a real chain are. */
function strangersLog(seed: string): ChainLog {
  const word = (name: string): string =>
    createHash("sha256").update(`${seed}${name}`).digest("hex");
  return {
    address: `0x${word("token").slice(0, 40)}`,
    topics: [`0x${word("transfer")}`, `0x${word("from")}`, `0x${word("to")}`],
    data: `0x${word("amount")}`,
  };
}
