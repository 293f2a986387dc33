import { BaseError, ResponseBodyTooLargeError, RpcRequestError, TimeoutError } from "viem";
import { HttpRefusal } from "./http-refusal.ts";
import { redactUrl } from "./redact-url.ts";

/**
 * Why an endpoint did not answer, as far as it decides what to do:
 * - `too-large`: ask for fewer blocks. `too-many-addresses`: ask for fewer contracts.
 * - `needs-address`: name the contracts.
 * - `timeout`: ask for fewer blocks, or once more.
 * - `rate-limited`, `transient`: ask again later.
 * - `lie`: the answer cannot be true; ask again, elsewhere if there is elsewhere.
 * - `unproven`: it may be true, and cannot be checked; ask again, and elsewhere, who else says so.
 * - `no-state`: it no longer has what contracts held at that block; ask elsewhere.
 * - `refused`: asking again does not help; needs operator action.
 */
type Kind =
  | "too-large"
  | "too-many-addresses"
  | "needs-address"
  | "timeout"
  | "rate-limited"
  | "transient"
  | "lie"
  | "unproven"
  | "no-state"
  | "refused";

const CODES: { [K in Kind]?: "ES-RPC-REFUSED" | "ES-RPC-NO-STATE" } = {
  refused: "ES-RPC-REFUSED",
  "no-state": "ES-RPC-NO-STATE",
};

/** A request that an endpoint did not answer. The message has no secrets of its URL. */
export class RpcProblem extends Error {
  override name = "RpcProblem";
  readonly kind: Kind;
  readonly code: "ES-RPC-REFUSED" | "ES-RPC-NO-STATE" | "ES-RPC-UNREACHABLE";
  /** How long the provider asks to wait. */
  readonly retryAfterMs: number | null;
  /** How many blocks the provider says that it would answer for. */
  readonly blocksAllowed: number | null;
  /** How many contracts the provider says that a question may name. */
  readonly addressesAllowed: number | null;

  constructor(
    kind: Kind,
    message: string,
    more: {
      cause?: unknown;
      retryAfterMs?: number | null;
      blocksAllowed?: number | null;
      addressesAllowed?: number | null;
    } = {},
  ) {
    super(message, { cause: more.cause });
    this.kind = kind;
    this.code = CODES[kind] ?? "ES-RPC-UNREACHABLE";
    this.retryAfterMs = more.retryAfterMs ?? null;
    this.blocksAllowed = more.blocksAllowed ?? null;
    this.addressesAllowed = more.addressesAllowed ?? null;
  }
}

/**
 * What nodes say of a block whose state they pruned:
 * - geth, `missing trie node`: https://github.com/ethereum/go-ethereum/issues/20874
 * - geth, `historical state unavailable`: https://github.com/ethereum/go-ethereum/issues/24070
 * - reth, `State at block #3 is pruned`: https://github.com/paradigmxyz/reth/pull/4092
 * - Nethermind, `MissingTrieNodeException`: https://github.com/NethermindEth/nethermind/issues/9408
 * - Erigon, `execution reverted`: https://github.com/erigontech/erigon/issues/6391
 * - OpenEthereum, `state pruning`: https://github.com/openethereum/parity-ethereum/pull/8891
 * - Infura, `access to archive state`: https://github.com/ethers-io/ethers.js/issues/715
 * - anvil's `BlockOutOfRangeError`, tried with `--prune-history`
 */
const NO_STATE =
  /missing ?trie ?node|state [^.]*(unavailable|not available|is pruned)|history has been pruned|state pruning|\barchive\b|execution reverted|BlockOutOfRange/i;
const BEHIND =
  /beyond.*head|unknown block|(header|block) not found|not (yet )?available|is not finalized|syncing/i;
const TOO_MANY_ADDRESSES =
  /(too many|max(imum)?|exceed\w*|limit\w*)[^.]*\b(address(es)?|contracts)\b/i;
/** publicnode.com: "Please specify an address in your request"; github.com/ChainSafe/forest/issues/6134. */
const NEEDS_ADDRESS =
  /(specify|provide|requires?|must (have|contain|include)|missing|without)[^.]*\b(address(es)?|contracts?)\b|\b(address(es)?|contracts?)\b[^.]*\b(required|mandatory|missing|must be (given|set|specified|provided))/i;
const RATE_LIMITED =
  /rate.?limit|too many requests|requests? (count|limit)|per second|throughput|compute units|capacity|quota|credits|throttl/i;
const TOO_LARGE =
  /more than [\d,]+|too (large|big|wide|broad|many)|(block )?range[^.]*(limit|exceed|larger|greater|most|max)|(limit|exceed|max|up to|at most)[^.]*(range|blocks?|results?|logs|response|size)|response size|(logs|results)[^.]*(exceed|limit)|block range|please (reduce|narrow|limit|use)/i;
const TIMED_OUT = /time[d]?.?out|took too long|deadline exceeded|query cancell?ed/i;

/**
 * Reads what an endpoint said. Providers agree on no code for anything but "too many requests", so
 * the words decide; when they say nothing known, the code.
 *
 * @param what the request in words
 */
export function rpcProblemOf(error: unknown, what: string, url: string): RpcProblem {
  const http = find(error, HttpRefusal);
  const rpc = find(error, RpcRequestError);
  const words = wordsOf(error, http, rpc);
  const status = http?.status ?? null;
  const code = rpc?.code ?? null;
  const kind = kindOf(error, words, status, code);
  const said = redactUrl(words, url).slice(0, 400);
  const by = status === null ? "" : ` (HTTP ${status})`;
  return new RpcProblem(kind, `${new URL(url).host}, ${what}: ${said}${by}`, {
    retryAfterMs: retryAfterMs(http?.headers),
    blocksAllowed: kind === "too-large" ? blocksAllowed(words) : null,
    addressesAllowed: kind === "too-many-addresses" ? addressesAllowed(words) : null,
  });
}

function kindOf(error: unknown, words: string, status: number | null, code: number | null): Kind {
  if (find(error, ResponseBodyTooLargeError) || status === 413) return "too-large";
  if (isTimeout(error) || status === 408 || status === 504) return "timeout";
  if (status === 429) return "rate-limited";
  if (status === 401 || status === 403) return "refused";
  if (NO_STATE.test(words)) return "no-state";
  if (BEHIND.test(words)) return "transient";
  if (RATE_LIMITED.test(words)) return "rate-limited";
  if (TOO_MANY_ADDRESSES.test(words)) return "too-many-addresses";
  if (NEEDS_ADDRESS.test(words)) return "needs-address";
  if (TOO_LARGE.test(words)) return "too-large";
  if (TIMED_OUT.test(words)) return "timeout";
  // EIP-1474: limit exceeded; here without a word about which.
  if (code === -32_005) return "rate-limited";
  // Method not found, not supported; invalid request.
  if (code === -32_601 || code === -32_004 || code === -32_600) return "refused";
  // Invalid parameters: some providers say no more than that of a range that is too wide.
  if (code === -32_602) return "too-large";
  if (status !== null && status >= 400 && status < 500 && code === null) return "refused";
  return "transient";
}

/** Retry-After in seconds, or as a date (RFC 9110, 10.2.3). */
function retryAfterMs(headers: Headers | undefined): number | null {
  const value = headers?.get("retry-after");
  if (!value) return null;
  const ms = /^\d+(\.\d+)?$/.test(value) ? 1000 * Number(value) : Date.parse(value) - Date.now();
  return Number.isNaN(ms) ? null : Math.max(0, ms);
}

function blocksAllowed(words: string): number | null {
  const pair =
    /\[\s*(0x[0-9a-f]+|\d+)\s*,\s*(0x[0-9a-f]+|\d+)\s*\]/i.exec(words) ??
    /range (\d+)\s*-\s*(\d+)/i.exec(words);
  if (pair) return Math.max(1, Number(pair[2]) - Number(pair[1]) + 1);
  const limit =
    /(?:limited to|limit(?: is)?|max(?:imum)?(?: allowed)?(?: is)?(?: set to)?(?: block range)?|up to|at most)[ :]*(?:an? )?([\d,]+)(k?)(?= ?-?(?:blocks?|range|$|[.)]))/i.exec(
      words,
    );
  if (!limit?.[1]) return null;
  const blocks = Number(limit[1].replaceAll(",", "")) * (limit[2] ? 1000 : 1);
  return blocks >= 1 ? blocks : null;
}

/** The number beside a word of limits. */
function addressesAllowed(words: string): number | null {
  const limit =
    /(?:limit|max|most|up to|exceed|than)\D{0,30}(\d[\d,]*)|(\d[\d,]*)\D{0,12}(?:limit|max)/i.exec(
      words,
    );
  const addresses = Number((limit?.[1] ?? limit?.[2] ?? "").replaceAll(",", ""));
  return addresses >= 1 ? addresses : null;
}

function wordsOf(error: unknown, http: HttpRefusal | null, rpc: RpcRequestError | null): string {
  if (rpc)
    return [rpc.details || rpc.shortMessage, typeof rpc.data === "string" ? rpc.data : ""]
      .join(" ")
      .trim();
  if (http) return http.message;
  if (error instanceof BaseError)
    return [error.shortMessage, error.details].filter(Boolean).join(" ");
  return error instanceof Error ? error.message : String(error);
}

/** viem's own, or that of the signal that ends a request. */
function isTimeout(error: unknown): boolean {
  return find(error, TimeoutError) !== null || find(error, DOMException)?.name === "TimeoutError";
}

function find<T extends Error>(
  error: unknown,
  type: abstract new (...args: never[]) => T,
): T | null {
  for (let at: unknown = error; at instanceof Error; at = at.cause)
    if (at instanceof type) return at;
  return null;
}
