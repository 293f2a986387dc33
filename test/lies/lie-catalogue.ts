import { numberToHex } from "viem";
import { HttpAnswer, type Lie, type RpcCall, RpcRefusal } from "./lying-node.ts";

type Json = Record<string, unknown>;

/** A way in which nodes were seen, or can be thought, to answer wrongly. */
export type NamedLie = {
  name: string;
  /** @param isDue whether this call is one to lie to */
  lie: (isDue: (call: RpcCall) => boolean) => Lie;
};

const isBlock = ({ method }: RpcCall): boolean => method.startsWith("eth_getBlockBy");
const isByNumber = ({ method, params }: RpcCall): boolean =>
  method === "eth_getBlockByNumber" && params[0] !== "latest";
const isLogs = ({ method }: RpcCall): boolean => method === "eth_getLogs";
const isRange = (call: RpcCall): boolean => isLogs(call) && "fromBlock" in (call.params[0] as Json);

/** Tells the truth but to the calls that the lie is about. */
function about(
  is: (call: RpcCall) => boolean,
  change: (truth: never, call: RpcCall) => unknown,
): NamedLie["lie"] {
  return (isDue) => (call, truth) =>
    is(call) && isDue(call) ? change(truth as never, call) : truth;
}

function refuse(code: number, message: string): () => never {
  return () => {
    throw new RpcRefusal(code, message);
  };
}

function answer(
  status: number | null,
  body = "",
  headers: Record<string, string> = {},
): () => never {
  return () => {
    throw new HttpAnswer(status, body, headers);
  };
}

const anything = (): boolean => true;

export const LIES: readonly NamedLie[] = [
  { name: "null for a block that exists", lie: about(isBlock, () => null) },
  {
    name: "another block than the one asked for",
    lie: about(isByNumber, (truth: Json) => ({
      ...truth,
      number: numberToHex(Number(truth.number) + 1),
    })),
  },
  {
    name: "the right number over another block's content",
    lie: about(isByNumber, (truth: Json) => ({ ...truth, stateRoot: truth.parentHash })),
  },
  {
    name: "a header with another bloom",
    lie: about(isBlock, (truth: Json) => ({ ...truth, logsBloom: `0x${"0".repeat(510)}01` })),
  },
  {
    name: "a header with another parent",
    lie: about(isBlock, (truth: Json) => ({ ...truth, parentHash: truth.stateRoot })),
  },
  {
    name: "a header with another time",
    lie: about(isBlock, (truth: Json) => ({ ...truth, timestamp: "0x5f5e100" })),
  },
  {
    name: "no logs of blocks that it does not know",
    lie: (isDue) => (call, truth) => {
      if (!isDue(call)) return truth;
      if (isLogs(call)) return [];
      return isBlock(call) ? null : truth;
    },
  },
  {
    name: "no logs of one block",
    lie: about(
      (call) => isLogs(call) && !isRange(call),
      () => [],
    ),
  },
  {
    name: "one log of a block left out",
    lie: about(
      (call) => isLogs(call) && !isRange(call),
      (logs: Json[]) => logs.slice(1),
    ),
  },
  {
    name: "an invented log in a block",
    lie: about(
      (call) => isLogs(call) && !isRange(call),
      (logs: Json[]) =>
        logs.flatMap((log) => [log, { ...log, logIndex: numberToHex(Number(log.logIndex) + 500) }]),
    ),
  },
  {
    name: "another amount in a log",
    lie: about(
      (call) => isLogs(call) && !isRange(call),
      (logs: Json[]) => logs.map((log) => ({ ...log, data: String(log.data).replace(/.$/, "7") })),
    ),
  },
  {
    name: "logs marked as removed",
    lie: about(isLogs, (logs: Json[]) => logs.map((log) => ({ ...log, removed: true }))),
  },
  { name: "every log twice", lie: about(isLogs, (logs: Json[]) => [...logs, ...logs]) },
  { name: "logs out of order", lie: about(isLogs, (logs: Json[]) => [...logs].reverse()) },
  {
    name: "logs of other blocks",
    lie: about(isRange, (logs: Json[]) => logs.map((log) => ({ ...log, blockNumber: "0xffffff" }))),
  },
  {
    name: "logs of other contracts",
    lie: about(isRange, (logs: Json[]) =>
      logs.map((log) => ({ ...log, address: `0x${"ab".repeat(20)}` })),
    ),
  },
  { name: "something that is no list of logs", lie: about(isLogs, () => ({})) },
  { name: "HTML", lie: about(anything, answer(200, "<html>we will be right back</html>")) },
  { name: "half a JSON", lie: about(anything, answer(200, '{"jsonrpc":"2.0","id":1,"resu')) },
  { name: "429 with Retry-After", lie: about(anything, answer(429, "", { "retry-after": "1" })) },
  { name: "502", lie: about(anything, answer(502, "bad gateway")) },
  { name: "a connection that is cut", lie: about(anything, answer(null)) },
  {
    name: "-32011 no backend is currently healthy",
    lie: about(anything, refuse(-32_011, "no backend is currently healthy to serve traffic")),
  },
  { name: "-32000 try again", lie: about(anything, refuse(-32_000, "server busy, try again")) },
  { name: "-32603 internal error", lie: about(anything, refuse(-32_603, "Internal error")) },
];

/** Limits that a provider always has: no lies, but the engine must never see them. */
export const LIMITS: readonly NamedLie[] = [
  ...[
    "query block range exceeds server limit, narrow your filter: 1000",
    "eth_getLogs is limited to a 5 block range",
    "block range too wide",
    "Log response size exceeded",
  ].map((words) => ({
    name: `more than five blocks: ${words}`,
    lie: () => (call: RpcCall, truth: unknown) => {
      if (!isRange(call)) return truth;
      const { fromBlock, toBlock } = call.params[0] as { fromBlock: string; toBlock: string };
      if (Number(toBlock) - Number(fromBlock) >= 5) throw new RpcRefusal(-32_602, words);
      return truth;
    },
  })),
  {
    name: "more than two addresses",
    lie: () => (call, truth) => {
      const { address } = (call.params[0] ?? {}) as { address?: unknown };
      if (isRange(call) && Array.isArray(address) && address.length > 2)
        throw new RpcRefusal(-32_602, "too many addresses in filter");
      return truth;
    },
  },
];
