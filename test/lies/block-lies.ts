import { numberToHex } from "viem";
import type { Lie, LyingNode, RpcCall } from "./lying-node.ts";
import { about, type NamedLie } from "./named-lie.ts";

type Block = Record<string, unknown>;

const isBlock = ({ method }: RpcCall): boolean => method.startsWith("eth_getBlockBy");
const isByNumber = ({ method, params }: RpcCall): boolean =>
  method === "eth_getBlockByNumber" && String(params[0]).startsWith("0x");
const isByHash = ({ method }: RpcCall): boolean => method === "eth_getBlockByHash";
const isHead = ({ method, params }: RpcCall): boolean =>
  method === "eth_getBlockByNumber" && params[0] === "latest";

const ZERO_WORD = `0x${"0".repeat(64)}`;
const IS_ASKED_NUMBER = "a block is the one asked for, by number";
const IS_ASKED_HASH = "a block is the one asked for, by hash";
const MAKES_ITS_HASH = "a header makes its hash";
const IS_AGREED = "a header that cannot be proven is given by every endpoint, again and again";
const HEAD_BACK = 60;

/** Only where there is a block to lie about. */
function ofBlock(
  is: (call: RpcCall) => boolean,
  change: (truth: Block, call: RpcCall, node: LyingNode) => unknown,
): NamedLie["lie"] {
  return about(is, (truth: Block | null, call, node) =>
    truth === null ? null : change(truth, call, node),
  );
}

const blockAt = (number: number, { params }: RpcCall, node: LyingNode): Promise<unknown> =>
  node.truth("eth_getBlockByNumber", [numberToHex(Math.max(0, number)), params[1]]);

/** A block that was read with its transactions, as somebody asks for it. */
export function asAsked(block: Block, [, isFull]: readonly unknown[]): Block {
  const transactions = block.transactions as { hash: string }[];
  return isFull ? block : { ...block, transactions: transactions.map(({ hash }) => hash) };
}

/** Every node's headers lack what every known layout has: nobody can make their hash. */
const withoutRoot: Lie = (call, truth) => {
  if (!isBlock(call) || truth === null) return truth;
  const { receiptsRoot: _, ...block } = truth as Block;
  return block;
};

export const BLOCK_LIES: readonly NamedLie[] = [
  {
    name: "null for a block that exists",
    against: "a block that is not there is asked for again",
    lie: ofBlock(isBlock, () => null),
  },
  {
    name: "another number than the one asked for",
    against: MAKES_ITS_HASH,
    lie: ofBlock(isByNumber, (truth) => ({
      ...truth,
      number: numberToHex(Number(truth.number) + 1),
    })),
  },
  {
    name: "the block before the one asked for",
    against: IS_ASKED_NUMBER,
    lie: ofBlock(isByNumber, (truth, call, node) => blockAt(Number(truth.number) - 1, call, node)),
  },
  {
    name: "the parent of the block whose hash was asked for",
    against: IS_ASKED_HASH,
    lie: ofBlock(isByHash, async (truth, { params }, node) => {
      return (await node.truth("eth_getBlockByHash", [truth.parentHash, params[1]])) ?? truth;
    }),
  },
  ...Object.entries({
    "the right number over another block's content": (truth: Block) => ({
      stateRoot: truth.parentHash,
    }),
    "a header with another hash": () => ({ hash: `0x${"12".repeat(32)}` }),
    "a header with another bloom": () => ({ logsBloom: `0x${"0".repeat(510)}01` }),
    "a header with an empty bloom": () => ({ logsBloom: `0x${"0".repeat(512)}` }),
    "a header with another parent": (truth: Block) => ({ parentHash: truth.stateRoot }),
    "a header with another time": () => ({ timestamp: "0x5f5e100" }),
    "a header with another receipts root": (truth: Block) => ({ receiptsRoot: truth.parentHash }),
  }).map(([name, change]) => ({
    name,
    against: MAKES_ITS_HASH,
    lie: ofBlock(isBlock, (truth) => ({ ...truth, ...change(truth) })),
  })),
  {
    name: "a header with another bloom, twice in a row",
    against: IS_AGREED,
    lie: ofBlock(isBlock, (truth) => ({ ...truth, logsBloom: `0x${"0".repeat(510)}01` })),
    inARow: 2,
    share: 0.8,
  },
  {
    name: "half a block, where no header can be proven",
    against: "a block has what a block has",
    everywhere: withoutRoot,
    isUnknownLayout: true,
    lie: ofBlock(isBlock, ({ number, hash, parentHash }) => ({ number, hash, parentHash })),
  },
  {
    name: "another hash, where no header can be proven",
    against: IS_AGREED,
    everywhere: withoutRoot,
    isUnknownLayout: true,
    needsOthers: true,
    lie: ofBlock(isBlock, (truth) => ({ ...truth, hash: truth.stateRoot })),
  },
  {
    name: "another hash of a transaction in a block",
    against: "a block's transactions give the root in its header",
    lie: ofBlock(isBlock, (truth) => {
      const transactions = truth.transactions as (string | Block)[];
      if (typeof transactions[0] !== "object") return truth;
      const changed = transactions.map((each) => ({ ...(each as Block), hash: ZERO_WORD }));
      return { ...truth, transactions: changed };
    }),
  },
  {
    name: "a head that jumps 60 back",
    against: "a lower head is not believed at once",
    inARow: 1,
    lie: ofBlock(isHead, (truth, call, node) =>
      blockAt(Number(truth.number) - HEAD_BACK, call, node),
    ),
  },
  {
    name: "a head that stands still",
    against: "the head is the highest that any endpoint has",
    needsOthers: true,
    lie: ofBlock(isHead, (truth, call, node) => blockAt(Number(truth.number) - 12, call, node)),
  },
  {
    name: "a block of a branch that was dropped",
    against: "a replaced block is shown by two looks",
    inARow: 1,
    lie: ofBlock(isByNumber, (truth, { params }, node) => {
      const block = node.dropped.get(Number(truth.number));
      return block ? asAsked(block, params) : truth;
    }),
  },
  {
    name: "no block at all where one was replaced",
    against: "a missing block replaces nothing",
    lie: ofBlock(isByNumber, () => null),
  },
  {
    name: "another chain's id",
    against: "an endpoint of another chain is never asked again",
    needsOthers: true,
    lie: about(
      () => true,
      (truth, { method }) => {
        if (method === "eth_chainId") return "0x1";
        return method === "eth_getLogs" ? [] : truth;
      },
    ),
  },
];

/** What chains are like: no lies. */
export const CHAINS: readonly NamedLie[] = [
  {
    name: "every header without a receipts root",
    against: "a chain of unknown layout is followed all the same",
    everywhere: withoutRoot,
    isUnknownLayout: true,
    lie: () => (_, truth) => truth,
  },
  {
    name: "every header without a miner",
    against: "a header's missing miner is nobody",
    everywhere: (call, truth) =>
      isBlock(call) && truth !== null ? { ...(truth as Block), miner: null } : truth,
    lie: () => (_, truth) => truth,
  },
  {
    name: "the same bloom in every header, of unknown layout",
    against: "no block is skipped by a bloom that was not seen to be right",
    everywhere: (call, truth) =>
      isBlock(call) && truth !== null
        ? { ...(truth as Block), logsBloom: `0x${"0".repeat(510)}01` }
        : truth,
    isUnknownLayout: true,
    lie: () => (_, truth) => truth,
  },
  {
    name: "transactions of strangers with a nonce above 2^31",
    against: "the engine: a stranger's transaction stops nobody",
    everywhere: (call, truth) => {
      const block = truth as (Block & { transactions?: unknown[] }) | null;
      if (!isBlock(call) || block === null || typeof block.transactions?.[0] !== "object")
        return truth;
      const hash = ZERO_WORD.replace(/.{8}$/, String(block.number).slice(2).padStart(8, "0"));
      const strange = {
        ...(block.transactions.at(-1) as Block),
        ...{ hash, nonce: "0xffffffffffff", value: `0x${"f".repeat(64)}` },
        transactionIndex: numberToHex(block.transactions.length),
      };
      return { ...block, transactions: [...block.transactions, strange] };
    },
    lie: () => (_, truth) => truth,
  },
];
