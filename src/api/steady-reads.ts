import { createMiddleware } from "hono/factory";

/**
 * How far the read models are: whether the engine is live, whether it has indexed anew what it took
 * back at its last start, and for each chain its last checkpoint and how many events there are.
 */
export type IndexedState = {
  isReady: boolean;
  isSettled: boolean;
  heads: { chainId: number; checkpoint: string; events: number }[];
};

export type SteadyReadsOptions = {
  /** How long an answer may be held back until the engine has caught up again. */
  holdMs: number;
  /** After this long behind, what there is counts as the truth: the chain went back meanwhile. */
  acceptAfterMs: number;
};

const LOOK_MS = 50;

/**
 * Keeps readers from seeing the past again. After a restart the engine takes back everything that
 * is not final and indexes it anew, so for seconds escrows vanish that were there before. An answer
 * is held back while the engine is behind what was answered before; if that takes too long, it is
 * 503 with `Retry-After`. Every answer says how far the index is:
 *
 *   x-indexed-block: <chain id>=<block> …     x-indexed-at: <chain id>=<block time> …
 *
 * It looks before and after the answer is made, because the engine rolls back in one transaction
 * that may fall between them. The engine's checkpoint does not tell: after a restart it stands
 * still, wrong, until the first block is indexed anew. So while a start of the engine is not settled,
 * fewer events than were there before count as behind. Afterwards they do not: then the chain took
 * them back, and that is the truth.
 */
export function steadyReads(read: () => Promise<IndexedState>, options: SteadyReadsOptions) {
  let served: IndexedState | null = null;
  let behindSinceMs: number | null = null;
  const look = async (): Promise<{ state: IndexedState; isBehind: boolean }> => {
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
    let before = await look();
    while (before.isBehind && performance.now() < deadlineMs) {
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
      before = await look();
    }
    if (!before.isBehind) {
      served = before.state;
      await next();
    }
    if (before.isBehind || (await look()).isBehind) {
      c.res = Response.json(
        { error: { message: "the index is catching up after a restart of the engine" } },
        { status: 503, headers: { "retry-after": "1" } },
      );
    }
    const { heads } = before.state;
    c.res.headers.set("x-indexed-block", heads.map(blockOf).join(" "));
    c.res.headers.set("x-indexed-at", heads.map(timeOf).join(" "));
  });
}

function isBehindOf(state: IndexedState, served: IndexedState): boolean {
  if (served.isReady && !state.isReady) return true;
  if (state.isSettled) return false;
  return served.heads.some(({ chainId, checkpoint, events }) => {
    const now = state.heads.find((head) => head.chainId === chainId);
    return now !== undefined && (now.events < events || now.checkpoint < checkpoint);
  });
}

type Head = IndexedState["heads"][number];

/* The engine's checkpoint: 10 digits of time, 16 of chain, 16 of block, and so on. */

function blockOf({ chainId, checkpoint }: Head): string {
  return `${chainId}=${Number(checkpoint.slice(26, 42))}`;
}

function timeOf({ chainId, checkpoint }: Head): string {
  return `${chainId}=${new Date(Number(checkpoint.slice(0, 10)) * 1000).toISOString()}`;
}
