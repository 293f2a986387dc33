import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { ChainBlock } from "./escrow-chain.ts";

/*
 * A recorded chain: one block per line, in order. Hashes are not recorded; they follow from the
 * place of a block and of a transaction.
 */

/** Writes a chain to a file, block by block, whatever its length. */
export async function writeChainFile(path: string, blocks: Iterable<ChainBlock>): Promise<void> {
  const lines = function* () {
    for (const block of blocks) yield `${JSON.stringify(block)}\n`;
  };
  await pipeline(Readable.from(lines()), createWriteStream(path));
}

/** Reads a chain block by block. */
export async function* readChainFile(path: string): AsyncGenerator<ChainBlock> {
  const lines = createInterface({ input: createReadStream(path), crlfDelay: Infinity });
  for await (const line of lines) yield JSON.parse(line) as ChainBlock;
}

/** The hash of a block, or of one of its transactions. */
export function hashOf(block: number, transaction?: number): `0x${string}` {
  return `0x${createHash("sha256").update(`${block}/${transaction}`).digest("hex")}`;
}
