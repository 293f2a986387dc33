import { numberToHex } from "viem";
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

const ZERO_ADDRESS = `0x${"0".repeat(40)}`;

/**
 * Checks that receipts are those of a block, all of them and as they were: they give the root in the
 * header. Polygon's state-sync receipts stand behind the last transaction and outside the root on
 * older blocks, so the root is tried without them too.
 *
 * @throws RpcProblem `lie` when they do not give the root
 */
export async function provenReceipts(answer: unknown, block: RawBlock): Promise<ProvenReceipts> {
  if (!Array.isArray(answer)) throw new RpcProblem("transient", "it has no receipts of that block");
  const receipts = answer as Receipt[];
  const root = hex(block.receiptsRoot, /^0x[0-9a-f]{64}$/, "receiptsRoot");
  try {
    const isWhole = (await receiptsRootOf(receipts)) === root;
    const others = receipts.filter((each) => !isStateSync(each));
    if (isWhole || (others.length < receipts.length && (await receiptsRootOf(others)) === root)) {
      const inRoot = isWhole ? receipts : others;
      const isOwnBloom =
        bloomOf(inRoot.flatMap(({ logs }) => logs)) === block.logsBloom.toLowerCase();
      return { receipts: inRoot, logs: placedLogs(receipts, block), isOwnBloom };
    }
  } catch (cause) {
    throw new RpcProblem("lie", "its receipts cannot be read", { cause });
  }
  throw new RpcProblem("lie", "its receipts do not give the root in the block's header");
}

/** Address, topics and data are in the root; block and index follow from where they stand. */
function placedLogs(receipts: readonly Receipt[], { hash, number }: RawBlock): RawLog[] {
  let index = 0;
  return receipts.flatMap(({ logs, transactionHash }, at) =>
    logs.map((log) => ({
      ...log,
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
