import { createMiddleware } from "hono/factory";

/**
 * How far the read models are: whether the backfill is done, whether the engine has re-indexed what
 * it reverted at its last start, and for each chain its last indexed block and how many events there
 * are.
 */
export type IndexedState = {
  isReady: boolean;
  isCaughtUp: boolean;
  /** `timestamp` of the block, in Unix seconds. */
  heads: { chainId: number; block: number; timestamp: number; events: number }[];
};

export type ConsistentReadsOptions = {
  /** How long an answer may be held back until the engine has caught up again. */
  holdMs: number;
  /** After this long behind, what there is counts as the truth: the chain went back meanwhile. */
  acceptAfterMs: number;
  /** Makes an answer again that was made while the engine fell behind. */
  askAgain: (request: Request) => Response | Promise<Response>;
};

const POLL_MS = 50;

/**
 * Keeps readers from seeing the past again. After a restart the engine reverts everything that is
 * not final and re-indexes it, so for seconds escrows vanish that were there before. An answer is
 * held back while the engine is behind what was answered before; if that takes too long, it is 503
 * with `Retry-After`. Every answer says how far the index is:
 *
 *   x-indexed-block: <chain id>=<block> …     x-indexed-at: <chain id>=<block time> …
 *
 * It reads the state before and after the answer is made, because the engine rolls back in one
 * transaction that may fall between them: what was made across it is made again. The indexed block does not tell: after a restart it stands
 * still, wrong, until the first block is re-indexed. So until the engine has caught up after a start,
 * fewer events than were there before count as behind. Afterwards they do not: then a reorg reverted
 * them, and that is the truth.
 */
export function consistentReads(
  read: () => Promise<IndexedState>,
  options: ConsistentReadsOptions,
) {
  let served: IndexedState | null = null;
  let behindSinceMs: number | null = null;
  const readState = async (): Promise<{ state: IndexedState; isBehind: boolean }> => {
    const state = await read();
    const isBehind = served !== null && isBehindOf(state, served);
    if (!isBehind) behindSinceMs = null;
    else behindSinceMs ??= performance.now();
    const mustAccept =
      behindSinceMs !== null && performance.now() - behindSinceMs > options.acceptAfterMs;
    return { state, isBehind: isBehind && !mustAccept };
  };

  return createMiddleware(async (c, next) => {
    const deadlineMs = performance.now() + options.holdMs;
    let before = await readState();
    while (before.isBehind && performance.now() < deadlineMs) {
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      before = await readState();
    }
    if (!before.isBehind) {
      served = before.state;
      const same = c.req.raw.clone();
      await next();
      if (!(await readState()).isBehind) return nameHeads(c.res, before.state);
      if (performance.now() < deadlineMs) {
        c.res = await options.askAgain(same);
        return;
      }
    }
    c.res = Response.json(
      { error: { message: "the index is catching up after a restart of the engine" } },
      { status: 503, headers: { "retry-after": "1" } },
    );
    nameHeads(c.res, before.state);
  });
}

function nameHeads({ headers }: Response, { heads }: IndexedState): void {
  headers.set("x-indexed-block", heads.map(blockOf).join(" "));
  headers.set("x-indexed-at", heads.map(timeOf).join(" "));
}

function isBehindOf(state: IndexedState, served: IndexedState): boolean {
  if (served.isReady && !state.isReady) return true;
  if (state.isCaughtUp) return false;
  return served.heads.some(({ chainId, block, events }) => {
    const now = state.heads.find((head) => head.chainId === chainId);
    return now !== undefined && (now.events < events || now.block < block);
  });
}

type Head = IndexedState["heads"][number];

function blockOf({ chainId, block }: Head): string {
  return `${chainId}=${block}`;
}

function timeOf({ chainId, timestamp }: Head): string {
  return `${chainId}=${new Date(timestamp * 1000).toISOString()}`;
}
