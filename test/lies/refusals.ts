import { isLogs, isRange } from "./log-lies.ts";
import { HttpAnswer, type RpcCall, RpcRefusal } from "./lying-node.ts";
import { about, type NamedLie } from "./named-lie.ts";

const anything = (): boolean => true;

function refuse(code: number, message: string): () => never {
  return () => {
    throw new RpcRefusal(code, message);
  };
}

function answer(
  status: HttpAnswer["status"],
  body = "",
  headers: Record<string, string> = {},
): () => never {
  return () => {
    throw new HttpAnswer(status, body, headers);
  };
}

const ASKED_AGAIN = "what does not answer is asked again";
const ELSEWHERE = "what one endpoint refuses, another is asked";
const PAUSE_MS = 1_000;
const ON_ITS_WAY_MS = 100;
/** Each of them slows the asking down, as it should. */
const SELDOM = 0.05;

/** No answer at all, or a refusal: of anything that is asked. */
export const REFUSALS: readonly NamedLie[] = [
  { name: "HTML", against: ASKED_AGAIN, lie: about(anything, answer(200, "<html>be back</html>")) },
  {
    name: "half a JSON",
    against: ASKED_AGAIN,
    lie: about(anything, answer(200, '{"jsonrpc":"2.0","id":1,"resu')),
  },
  { name: "a connection that is cut", against: ASKED_AGAIN, lie: about(anything, answer(null)) },
  {
    name: "a connection that hangs",
    against: "an answer has to end in time",
    atMost: 2,
    share: 0.2,
    lie: about(anything, answer("hang", '{"jsonrpc":"2.0"')),
  },
  {
    name: "429 with Retry-After",
    against: "a provider that complains is asked less",
    share: SELDOM,
    lie: (isDue) => {
      let untilMs = -Infinity;
      return (_, truth, node) => {
        const nowMs = node.now();
        // What was on its way already is not to be blamed.
        if (nowMs < untilMs && nowMs > untilMs - PAUSE_MS + ON_ITS_WAY_MS) node.impatient += 1;
        if (!isDue(_)) return truth;
        untilMs = nowMs + PAUSE_MS;
        throw new HttpAnswer(429, "", { "retry-after": String(PAUSE_MS / 1_000) });
      };
    },
  },
  {
    name: "502",
    against: ASKED_AGAIN,
    lie: about(anything, answer(502, "bad gateway")),
  },
  {
    name: "-32011 no backend is currently healthy",
    against: ASKED_AGAIN,
    lie: about(anything, refuse(-32_011, "no backend is currently healthy to serve traffic")),
  },
  {
    name: "-32000 try again",
    against: ASKED_AGAIN,
    lie: about(anything, refuse(-32_000, "server busy, try again")),
  },
  {
    name: "-32603 internal error",
    against: ASKED_AGAIN,
    lie: about(anything, refuse(-32_603, "Internal error")),
  },
  {
    name: "-32000 header not found",
    against: "a node that stands behind is asked again",
    lie: about(anything, refuse(-32_602, "header not found")),
  },
  {
    name: "-32005 without a word about which limit",
    against: "a provider that complains is asked less",
    share: SELDOM,
    lie: about(anything, refuse(-32_005, "sorry")),
  },
  {
    name: "-32000 daily quota",
    against: "a provider that complains is asked less",
    share: SELDOM,
    lie: about(anything, refuse(-32_000, "daily request count exceeded, request rate limited")),
  },
  {
    name: "403 to questions for logs",
    against: ELSEWHERE,
    needsOthers: true,
    lie: about(isLogs, answer(403, "forbidden")),
  },
];

const MOST_BLOCKS = 5;
const MOST_ADDRESSES = 2;
const FEWER_BLOCKS = "a range that is too large is asked in parts";

/** Refuses longer ranges, always. */
function limitedTo(name: string, against: string, refusal: () => never): NamedLie {
  return {
    ...{ name: `more than five blocks: ${name}`, against, isLimit: true },
    everywhere: (call, truth) => {
      if (!isRange(call)) return truth;
      const { fromBlock, toBlock } = call.params[0] as { fromBlock: string; toBlock: string };
      return Number(toBlock) - Number(fromBlock) >= MOST_BLOCKS ? refusal() : truth;
    },
    lie: () => (_: RpcCall, truth: unknown) => truth,
  };
}

/** Limits that a provider always has: no lies, but the engine must never see them. */
export const LIMITS: readonly NamedLie[] = [
  ...[
    "query block range exceeds server limit, narrow your filter: 1000",
    "eth_getLogs is limited to a 5 block range",
    "block range too wide",
    "Log response size exceeded",
  ].map((words) => limitedTo(words, FEWER_BLOCKS, refuse(-32_602, words))),
  limitedTo(
    "Invalid params",
    "invalid parameters of a range mean a smaller one",
    refuse(-32_602, "Invalid params"),
  ),
  limitedTo("HTTP 413", "an answer that is too large is asked in parts", answer(413, "nginx")),
  limitedTo(
    "query timeout exceeded",
    "a range that takes too long is asked in parts",
    refuse(-32_000, "query timeout exceeded"),
  ),
  {
    name: "a filter without contracts",
    against: "a node that demands contracts is given them",
    isLimit: true,
    everywhere: (call, truth) => {
      if (isLogs(call) && (call.params[0] as { address?: unknown }).address === undefined)
        throw new RpcRefusal(-32_701, "Please specify an address in your request");
      return truth;
    },
    lie: () => (_, truth) => truth,
  },
  {
    name: "more than two addresses",
    against: "a filter with too many addresses is asked in parts",
    isLimit: true,
    everywhere: (call, truth) => {
      const { address } = (call.params[0] ?? {}) as { address?: unknown };
      if (isRange(call) && Array.isArray(address) && address.length > MOST_ADDRESSES)
        throw new RpcRefusal(-32_602, "too many addresses in filter");
      return truth;
    },
    lie: () => (_, truth) => truth,
  },
];
