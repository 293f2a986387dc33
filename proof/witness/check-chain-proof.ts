import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { createGunzip } from "node:zlib";
import type { z } from "zod";
import type { ChainDeployment } from "../../config/chain-deployment.ts";
import type { EscrowEvent, Hex } from "../../src/events/escrow-event.ts";
import { newest } from "../audit/event-differences.ts";
import { FollowedContracts } from "../audit/followed-contracts.ts";
import { addToHistory, EMPTY_HISTORY, type HistoryHash } from "../audit/history-hash.ts";
import { noteAnnouncement, readLog } from "../audit/read-log.ts";
import { BloomWatch } from "./bloom-watch.ts";
import {
  type ProofEnd,
  type ProofHead,
  proofEnd,
  proofHead,
  provenBlockLine,
} from "./chain-proof.ts";
import { BadProof, isOwnBloom, type ReadBlock, readProvenBlock } from "./read-proven-block.ts";

/** What a proof proves, as far as the block is trusted that it was checked against. */
export type CheckedProof = {
  head: ProofHead;
  end: ProofEnd;
  byType: Record<string, number>;
  /** Blocks with events whose transactions' hashes are not proven. */
  believedHashes: number;
};

/**
 * Checks a long certificate line by line, in constant memory, with nothing but the hash of its last
 * block: headers make their hashes and are linked up to it, receipts and transactions give the roots
 * in them, no block is without receipts whose bloom speaks of a contract of ours, and the events that
 * follow are as many and hash to what the file says.
 *
 * @param trusted hash of the last block, from wherever the reader trusts
 * @throws BadProof when it does not prove what it says; also when it is cut off
 */
export async function checkChainProof(path: string, trusted: string): Promise<CheckedProof> {
  const file = createReadStream(path);
  const lines = createInterface({ input: file.pipe(createGunzip()), crlfDelay: Infinity });
  try {
    const all = lines[Symbol.asyncIterator]();
    const head = parsed(proofHead, (await all.next()).value, "the first line");
    if (trusted.toLowerCase() !== head.lastBlockHash)
      throw new BadProof(
        `it is of the chain that ends with block ${head.to} ${head.lastBlockHash}, not ${trusted}`,
      );
    const check = new Check(head);
    for (let number = head.from; number <= head.to; number++) {
      const line = parsed(provenBlockLine, (await all.next()).value, `the line of block ${number}`);
      await check.add(number, await readProvenBlock(line));
    }
    const end = parsed(proofEnd, (await all.next()).value, "the last line");
    return check.finish(end);
  } catch (error) {
    if (error instanceof BadProof) throw error;
    throw new BadProof(`it cannot be read: ${(error as Error).message}`, { cause: error });
  } finally {
    lines.close();
    file.destroy();
  }
}

class Check {
  readonly #head: ProofHead;
  readonly #contracts: FollowedContracts;
  readonly #watch: BloomWatch;
  readonly #byType: Record<string, number> = {};
  #history: HistoryHash = EMPTY_HISTORY;
  #last: Hex | null = null;
  #receiptsBlocks = 0;
  #believedHashes = 0;

  constructor(head: ProofHead) {
    this.#head = head;
    this.#contracts = new FollowedContracts(head as Pick<ChainDeployment, "factories">);
    this.#watch = new BloomWatch(this.#contracts);
  }

  async add(number: number, block: ReadBlock): Promise<void> {
    if (block.number !== number)
      throw new BadProof(`block ${block.number} stands in the place of block ${number}`);
    if (this.#last !== null && block.parentHash !== this.#last)
      throw new BadProof(`block ${number} does not follow on block ${number - 1}`);
    this.#last = block.hash;
    const { areBloomsUsed } = this.#head;
    const isNeeded = !block.isEmpty && (!areBloomsUsed || this.#watch.concerns(block.logsBloom));
    if (isNeeded && block.logs === null)
      throw new BadProof(`block ${number} may have an event of ours, and its receipts are missing`);
    if (areBloomsUsed && !isOwnBloom(block))
      throw new BadProof(`the bloom of block ${number} is not that of its logs: none can be used`);
    if (block.logs !== null) this.#receiptsBlocks += 1;
    const events = this.#eventsOf(block);
    for (const event of events) {
      this.#history = addToHistory(this.#history, event);
      this.#byType[event.type] = (this.#byType[event.type] ?? 0) + 1;
    }
    if (events.length > 0 && !block.areHashesProven) this.#believedHashes += 1;
  }

  finish(end: ProofEnd): CheckedProof {
    const head = this.#head;
    if (this.#last !== head.lastBlockHash)
      throw new BadProof(`its last block is ${this.#last}, not ${head.lastBlockHash}`);
    const found: ProofEnd = {
      ...{ blocks: head.to - head.from + 1, receiptsBlocks: this.#receiptsBlocks },
      ...{ escrows: this.#contracts.children.length, ...this.#history },
    };
    for (const name of ["blocks", "receiptsBlocks", "escrows", "events", "sha256"] as const)
      if (found[name] !== end[name])
        throw new BadProof(`it says ${name} ${end[name]}, and its blocks give ${found[name]}`);
    return { head, end, byType: this.#byType, believedHashes: this.#believedHashes };
  }

  #eventsOf({ logs, timestamp }: ReadBlock): EscrowEvent[] {
    for (const log of logs ?? []) noteAnnouncement(this.#contracts, log);
    return (logs ?? []).flatMap((log) => {
      const result = readLog(this.#head.chainId, this.#contracts, log, timestamp);
      return result?.is === "event" ? [newest(result.event)] : [];
    });
  }
}

function parsed<T>(form: z.ZodType<T>, line: string | undefined, what: string): T {
  if (line === undefined) throw new BadProof(`it is cut off before ${what}`);
  const result = form.safeParse(JSON.parse(line));
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new BadProof(`${what}: ${issue?.path.join(".")}: ${issue?.message}`);
}
