/*
 * A guard against a flaw of the engine (ponder 0.17, `src/sync-realtime/index.ts`). When it follows
 * a reorg it first forgets the dropped blocks of its own chain and then asks for the parents of the
 * new one by their hash. A node that has not heard of such a block answers null, as the nodes
 * behind a load balancer do for a moment, and the engine gives up half-way: nobody takes back the
 * rows of the blocks that it forgot, and the events of both branches stay in the database.
 *
 * An error instead of null makes the engine ask again, with growing pauses and perhaps another node.
 */

/** The engine pauses 125 ms, 250 ms, 500 ms … between its questions; it asks ten times. */
const GIVE_UP_AFTER = 7;

type Fetch = typeof globalThis.fetch;

/**
 * Wraps `fetch` so that a null for `eth_getBlockByHash` becomes a JSON-RPC error.
 *
 * @param giveUp called when a block stays unknown, well before the engine itself would give up.
 *   A new start of the engine rolls back everything that is not final, so ending it is safe.
 */
export function guardUnknownBlocks(fetch: Fetch, giveUp: (hash: string) => void): Fetch {
  const unknown = new Map<string, number>();
  return async (input, init) => {
    const request = new Request(input, init);
    const hash = request.method === "POST" ? blockHashIn(await request.clone().text()) : null;
    const response = await fetch(request);
    if (hash === null || !response.ok) return response;
    const text = await response.text();
    if (!isNullResult(text)) {
      unknown.delete(hash);
      return new Response(text, { status: response.status });
    }
    const times = (unknown.get(hash) ?? 0) + 1;
    unknown.set(hash, times);
    if (times >= GIVE_UP_AFTER) giveUp(hash);
    const error = { code: -32_000, message: `the node does not know block ${hash}` };
    return Response.json({ ...(JSON.parse(text) as object), result: undefined, error });
  };
}

/** The hash that is asked for, if that is what the request is about. */
function blockHashIn(body: string): string | null {
  if (!body.includes('"eth_getBlockByHash"')) return null;
  const { method, params } = JSON.parse(body) as { method?: string; params?: unknown[] };
  return method === "eth_getBlockByHash" ? String(params?.[0]) : null;
}

function isNullResult(text: string): boolean {
  // A block is never that short; and what is long need not be parsed twice.
  return text.length < 500 && (JSON.parse(text) as { result?: unknown }).result === null;
}
