import { numberToHex } from "viem";
import { type Lie, type RpcCall, RpcRefusal } from "./lying-node.ts";
import { about, type NamedLie } from "./named-lie.ts";

type Json = Record<string, unknown>;

export const isLogs = ({ method }: RpcCall): boolean => method === "eth_getLogs";
export const isRange = (call: RpcCall): boolean =>
  isLogs(call) && "fromBlock" in (call.params[0] as Json);
const isOfBlock = (call: RpcCall): boolean => isLogs(call) && !isRange(call);

const WAS_ASKED_FOR = "a log was asked for";
const OTHER_WORD = `0x${"ab".repeat(32)}`;
/** How long a node waits for the other half of a question that is put in two. */
const PARTNER_MS = 60;

/** Changes each log. */
function eachLog(is: (call: RpcCall) => boolean, change: (log: Json) => Json): NamedLie["lie"] {
  return about(is, (logs: Json[]) => logs.map((log) => ({ ...log, ...change(log) })));
}

const neverKnows: Lie = (call, truth) => {
  if (isRange(call)) return [];
  const { method, params } = call;
  return method === "eth_getBlockByNumber" && params[0] !== "latest" ? null : truth;
};

/**
 * A node that stands behind says nothing of a range, and does not know the range's last block. Both
 * are asked for together, so both are answered so: a node that stands behind for one of two answers
 * alone is two nodes behind one address, and nothing in the answers shows it.
 */
const standsBehind: NamedLie["lie"] = (isDue, isAlone) => {
  if (!isAlone) return neverKnows;
  const unknown = new Map<number, number>();
  const asked = new Map<number, number>();
  const soon = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, PARTNER_MS));
  const take = (counts: Map<number, number>, number: number): boolean => {
    const left = counts.get(number) ?? 0;
    counts.set(number, Math.max(0, left - 1));
    return left > 0;
  };
  return async (call, truth) => {
    if (isRange(call)) {
      const last = Number((call.params[0] as { toBlock: string }).toBlock);
      if (!isDue(call)) return truth;
      unknown.set(last, (unknown.get(last) ?? 0) + 1);
      await soon();
      if (take(asked, last)) return [];
      take(unknown, last);
      return truth;
    }
    if (call.method !== "eth_getBlockByNumber" || call.params[0] === "latest") return truth;
    const number = Number(call.params[0]);
    await new Promise((resolve) => setTimeout(resolve, PARTNER_MS / 3));
    if (!take(unknown, number)) return truth;
    asked.set(number, (asked.get(number) ?? 0) + 1);
    return null;
  };
};

/** Knows nothing of the newest blocks, whenever it is asked. */
const alwaysBehind: Lie = async (call, truth, node) => {
  const head = Number(await node.truth("eth_blockNumber", [])) - 40;
  const { method, params } = call;
  if (isRange(call)) {
    const { toBlock } = params[0] as { toBlock: string };
    return Number(toBlock) > head ? [] : truth;
  }
  if (method === "eth_blockNumber") return numberToHex(Math.max(0, head));
  const block = truth as { number?: string } | null;
  if (!method.startsWith("eth_getBlockBy") || Number(block?.number) <= head) return truth;
  if (params[0] !== "latest") return null;
  return await node.truth("eth_getBlockByNumber", [numberToHex(Math.max(0, head)), params[1]]);
};

/** What a range of logs can be wrong in, and what an answer about it shows. */
export const RANGE_LIES: readonly NamedLie[] = (
  [
    {
      name: "no logs of blocks that it does not know",
      against: "a range is asked together with the header of its last block",
      lie: standsBehind,
    },
    {
      name: "a node that stands 40 blocks behind",
      against: "the head is the highest that any endpoint has",
      needsOthers: true,
      lie: () => alwaysBehind,
    },
    {
      name: "logs marked as removed",
      against: "no log is marked as removed",
      lie: eachLog(isLogs, () => ({ removed: true })),
    },
    {
      name: "every log twice",
      against: "no log stands there twice",
      lie: about(isLogs, (logs: Json[]) => [...logs, ...logs]),
    },
    {
      name: "logs out of order",
      against: "logs stand in the order of the chain",
      lie: about(isLogs, (logs: Json[]) => [...logs].reverse()),
    },
    {
      name: "logs of blocks behind the range",
      against: WAS_ASKED_FOR,
      lie: eachLog(isRange, () => ({ blockNumber: "0xffffff" })),
    },
    {
      name: "logs of blocks before the range",
      against: WAS_ASKED_FOR,
      lie: about(isRange, (logs: Json[], { params }) =>
        Number((params[0] as { fromBlock: string }).fromBlock) === 0
          ? logs
          : logs.map((log) => ({ ...log, blockNumber: "0x0" })),
      ),
    },
    {
      name: "logs of other contracts",
      against: WAS_ASKED_FOR,
      lie: eachLog(isRange, () => ({ address: `0x${"ab".repeat(20)}` })),
    },
    {
      name: "logs of other events",
      against: WAS_ASKED_FOR,
      lie: about(isRange, (logs: Json[], { params }) =>
        (params[0] as Json).topics === undefined
          ? logs
          : logs.map((log) => ({ ...log, topics: [OTHER_WORD, ...(log.topics as []).slice(1)] })),
      ),
    },
    {
      name: "logs of one block under two hashes",
      against: "logs of one block name one hash",
      lie: about(isRange, (logs: Json[]) =>
        logs.map((log, at) =>
          logs[at - 1]?.blockNumber === log.blockNumber ? { ...log, blockHash: OTHER_WORD } : log,
        ),
      ),
    },
    {
      name: "logs of the last block under another hash",
      against: "the last block's logs are of the branch of its header",
      lie: about(isRange, (logs: Json[], { params }) =>
        logs.map((log) =>
          log.blockNumber === (params[0] as { toBlock: string }).toBlock
            ? { ...log, blockHash: OTHER_WORD }
            : log,
        ),
      ),
    },
    {
      name: "one log of a range left out, where two have to agree",
      against: "endpoints agree on the logs of a range",
      ...{ agree: 2, needsOthers: true as const },
      lie: about(isRange, (logs: Json[]) => logs.slice(1)),
    },
    {
      name: "another amount in a range, where two have to agree",
      against: "what endpoints differ in is proven",
      ...{ agree: 2, needsOthers: true as const },
      lie: eachLog(isRange, ({ data }) => ({ data: String(data).replace(/[0-9a-f]$/, "7") })),
    },
    {
      name: "something that is no list of logs",
      against: "logs are a list of logs",
      lie: about(isLogs, () => ({})),
    },
    {
      name: "logs without an index",
      against: "a log has what a log has",
      lie: eachLog(isLogs, () => ({ logIndex: null })),
    },
    {
      name: "logs without data",
      against: "a log has what a log has",
      lie: eachLog(isLogs, () => ({ data: undefined })),
    },
  ] satisfies NamedLie[]
)
  // Ranges are few: a node alone that lied seldom would never lie.
  .map((lie) => ({ share: 0.8, inARow: 2, ...lie }));

const isReceipts = ({ method }: RpcCall): boolean => method === "eth_getBlockReceipts";
const GIVE_THE_ROOT = "receipts give the root in the header";
const MAKE_THE_BLOOM = "logs of a block make its bloom";
type Receipt = Json & { logs: Json[] };

const noReceipts: Lie = (call, truth) => {
  if (isReceipts(call)) throw new RpcRefusal(-32_601, "the method does not exist");
  return truth;
};

/** A receipt as bor has it of its own transaction: from and to nobody, no gas. */
function stateSync(like: Receipt, logs: Json[]): Receipt {
  const nobody = `0x${"0".repeat(40)}`;
  return { ...like, from: nobody, to: nobody, gasUsed: "0x0", transactionHash: OTHER_WORD, logs };
}

/** Changes the first receipt that has logs. */
function ofReceipt(change: (receipt: Receipt) => Json): NamedLie["lie"] {
  return about(isReceipts, (receipts: Receipt[] | null) => {
    const at = receipts?.findIndex(({ logs }) => logs.length > 0) ?? -1;
    return receipts?.map((each, index) => (index === at ? { ...each, ...change(each) } : each));
  });
}

/** Of one block: by its hash, or by the receipts that prove its logs. */
export const BLOCK_LOG_LIES: readonly NamedLie[] = [
  {
    name: "null for receipts that exist",
    against: "receipts that are not there are asked for again",
    lie: about(isReceipts, () => null),
  },
  {
    name: "no receipts of a block that has some",
    against: GIVE_THE_ROOT,
    lie: about(isReceipts, () => []),
  },
  {
    name: "one log of a receipt left out",
    against: GIVE_THE_ROOT,
    lie: ofReceipt(({ logs }) => ({ logs: logs.slice(1) })),
  },
  {
    name: "an invented log in a receipt",
    against: GIVE_THE_ROOT,
    lie: ofReceipt(({ logs }) => ({ logs: [...logs, ...logs] })),
  },
  {
    name: "another amount in a receipt",
    against: GIVE_THE_ROOT,
    lie: ofReceipt(({ logs }) => ({
      logs: logs.map((log) => ({ ...log, data: String(log.data).replace(/.$/, "7") })),
    })),
  },
  {
    name: "another index and block in a receipt's logs",
    against: "a log's place is where it stands in the receipts",
    lie: ofReceipt(({ logs }) => ({
      logs: logs.map((log) => ({ ...log, blockHash: OTHER_WORD, logIndex: "0x1f4" })),
    })),
  },
  {
    name: "another transaction in a receipt",
    against: "a receipt is of the block's own transaction",
    lie: ofReceipt(({ logs }) => ({
      transactionHash: OTHER_WORD,
      logs: logs.map((log) => ({ ...log, transactionHash: OTHER_WORD })),
    })),
  },
  {
    name: "receipts that cannot be read",
    against: "receipts that cannot be read are asked for again",
    lie: about(isReceipts, (receipts: Json[]) => receipts.map(() => ({ logs: 7 }))),
  },
  {
    name: "an invented receipt outside the root",
    against: "what stands outside the root decides no rows",
    lie: about(isReceipts, (receipts: Receipt[] | null) => {
      const like = receipts?.find(({ logs }) => logs.length > 0);
      return like && receipts ? [...receipts, stateSync(like, like.logs)] : receipts;
    }),
  },
  {
    name: "one log of a block left out, where nobody has receipts",
    against: MAKE_THE_BLOOM,
    ...{ everywhere: noReceipts, hasNoReceipts: true as const },
    lie: about(isOfBlock, (logs: Json[]) => logs.slice(1)),
  },
  {
    name: "no logs of one block, where nobody has receipts",
    against: MAKE_THE_BLOOM,
    ...{ everywhere: noReceipts, hasNoReceipts: true as const },
    lie: about(isOfBlock, () => []),
  },
  {
    name: "another amount in the logs of one block",
    against: "logs of a block that concerns us are proven",
    lie: about(isOfBlock, (logs: Json[]) =>
      logs.map((log) => ({ ...log, data: String(log.data).replace(/[0-9a-f]$/, "7") })),
    ),
  },
  {
    name: "an invented log in a block without any",
    against: "logs that do not make the bloom are proven",
    lie: about(isOfBlock, async (logs: Json[], { params }, node) => {
      if (logs.length > 0) return logs;
      const { blockHash } = params[0] as { blockHash: string };
      const block = (await node.truth("eth_getBlockByHash", [blockHash, false])) as Json | null;
      const all = [{ fromBlock: "0x0", toBlock: "latest" }];
      const like = ((await node.truth("eth_getLogs", all)) as Json[]).at(-1);
      if (block === null || like === undefined) return logs;
      return [{ ...like, blockHash, blockNumber: block.number, logIndex: "0x0" }];
    }),
  },
];

/** What providers and chains are like: no lies. */
export const RECEIPTS: readonly NamedLie[] = [
  {
    name: "no method for receipts",
    against: "nodes without receipts are followed all the same",
    ...{ everywhere: noReceipts, hasNoReceipts: true as const },
    lie: () => (_, truth) => truth,
  },
  {
    name: "receipts of state syncs, outside the root",
    against: "receipts of state syncs lie outside the root",
    everywhere: (call, truth) => {
      const receipts = truth as Receipt[] | null;
      const like = isReceipts(call) ? receipts?.find(({ logs }) => logs.length > 0) : undefined;
      if (like === undefined || receipts === null) return truth;
      const logs = like.logs.slice(0, 1).map((log) => ({ ...log, topics: [OTHER_WORD] }));
      return [...receipts, stateSync(like, logs)];
    },
    lie: () => (_, truth) => truth,
  },
];
