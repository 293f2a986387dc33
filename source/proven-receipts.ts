import { numberToHex } from "viem";
import type { Hex } from "../src/events/escrow-event.ts";
import { hex } from "./chain-log.ts";
import type { RawLog } from "./check-logs.ts";
import { bloomOf } from "./log-bloom.ts";
import type { RawBlock } from "./raw-block.ts";
import { type RawReceipt, receiptsRootOf } from "./receipts-root.ts";
import { RpcProblem } from "./rpc-problem.ts";

/** A receipt as JSON-RPC has it, with its logs. */
type Receipt = RawReceipt & { transactionHash: string; logs: RawLog[] };

/** Receipts of a block that give the root in its header. */
export type ProvenReceipts = {
  /** As a node sent them: those under the root. */
  receipts: readonly RawReceipt[];
  /** All logs of the block, in order, each with the place that its order proves. */
  logs: RawLog[];
  /** Whether the bloom in the header is exactly that of the logs under the root. */
  isOwnBloom: boolean;
};

/* What is put into the trie is read leniently: only this form is the same bytes for everybody. */
const ADDRESS = /^0x[0-9a-f]{40}$/;
const BYTES = /^0x([0-9a-f]{2})*$/;
const WORD = /^0x[0-9a-f]{64}$/;

const ZERO_ADDRESS = `0x${"0".repeat(40)}`;

/**
 * Checks that receipts are those of a block, all of them and as they were: they give the root in the
 * header. Polygon's state-sync receipts stand behind the last transaction and outside the root on
 * older blocks, so the root is tried without them too; nothing proves them, so they may not speak of
 * what decides rows.
 *
 * @param topics first topics of the events that decide rows
 * @throws RpcProblem `lie` when they do not give the root
 */
export async function provenReceipts(
  answer: unknown,
  block: RawBlock,
  topics: readonly Hex[],
): Promise<ProvenReceipts> {
  if (!Array.isArray(answer)) throw new RpcProblem("transient", "it has no receipts of that block");
  const receipts = answer as Receipt[];
  const root = hex(block.receiptsRoot, WORD, "receiptsRoot");
  try {
    const isWhole = receiptsRootOf(receipts) === root;
    const others = receipts.filter((each) => !isStateSync(each));
    if (isWhole || (others.length < receipts.length && receiptsRootOf(others) === root)) {
      const inRoot = isWhole ? receipts : others;
      if (!isWhole) refuseUnproven(receipts, topics);
      const isOwnBloom =
        bloomOf(inRoot.flatMap(({ logs }) => logs)) === block.logsBloom.toLowerCase();
      return { receipts: inRoot, logs: placedLogs(receipts, block), isOwnBloom };
    }
  } catch (cause) {
    if (cause instanceof RpcProblem) throw cause;
    throw new RpcProblem("lie", "its receipts cannot be read", { cause });
  }
  throw new RpcProblem("lie", "its receipts do not give the root in the block's header");
}

function refuseUnproven(receipts: readonly Receipt[], topics: readonly Hex[]): void {
  for (const { logs } of receipts.filter(isStateSync))
    if (logs.some((log) => topics.includes(log.topics[0] as Hex)))
      throw new RpcProblem("lie", "a receipt that nothing proves has an event of ours");
}

/** Address, topics and data are in the root; block and index follow from where they stand. */
function placedLogs(receipts: readonly Receipt[], { hash, number }: RawBlock): RawLog[] {
  let index = 0;
  return receipts.flatMap(({ logs, transactionHash }, at) =>
    logs.map((log) => ({
      ...log,
      ...{ address: hex(log.address, ADDRESS, "address"), data: hex(log.data, BYTES, "data") },
      topics: log.topics.map((topic) => hex(topic, WORD, "topic")),
      ...{ blockHash: hash, blockNumber: number, removed: false },
      ...{ transactionHash: transactionHash as RawLog["transactionHash"] },
      ...{ transactionIndex: numberToHex(at), logIndex: numberToHex(index++) },
    })),
  );
}

/** Bor's own transaction: from and to nobody, no gas. */
function isStateSync(receipt: Receipt): boolean {
  const { from, to, gasUsed } = receipt as unknown as Record<string, unknown>;
  return from === ZERO_ADDRESS && to === ZERO_ADDRESS && Number(gasUsed) === 0;
}
