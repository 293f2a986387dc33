import { afterAll, beforeAll, expect, test } from "vitest";
import { type ApiBed, startApiBed } from "../support/api-bed.ts";
import { RelayWorld } from "../support/relay-world.ts";
import { waitUntil } from "../support/wait-until.ts";
import {
  FORK_HASHES,
  FORKED,
  historyWithFork,
  OPEN,
  PROGRESS,
  UNPUBLISHED,
} from "../verify/verified-history.ts";

/* What GraphQL subscriptions say, as server-sent events. */

const world = new RelayWorld();
beforeAll(() => world.start());
afterAll(() => world.stop());

// biome-ignore lint/suspicious/noExplicitAny: the shape is what was asked for
type Said = any[];

/** Subscribes, and collects what is said until `leave`. */
async function subscribe({ origin }: ApiBed, query: string) {
  const leaving = new AbortController();
  const answer = await fetch(`${origin}/graphql`, {
    method: "POST",
    headers: { "content-type": "application/json", accept: "text/event-stream" },
    body: JSON.stringify({ query }),
    signal: leaving.signal,
  });
  const said: Said = [];
  const reading = (async () => {
    let text = "";
    for await (const chunk of answer.body as unknown as AsyncIterable<Uint8Array>) {
      text += Buffer.from(chunk).toString();
      const blocks = text.split("\n\n");
      text = blocks.pop() ?? "";
      for (const block of blocks) {
        const data = /^data: (.+)$/m.exec(block)?.[1];
        if (data !== undefined) said.push(JSON.parse(data));
      }
    }
  })().catch(() => undefined);
  const leave = async () => {
    leaving.abort();
    await reading;
  };
  return { said, leave, type: answer.headers.get("content-type") };
}

test("say what is added and what has changed, by a new block and by a reorg, and how far it is", async () => {
  const first = historyWithFork(FORK_HASHES.first);
  const bed = await startApiBed(world, { events: first, progress: PROGRESS });
  const events = await subscribe(bed, "subscription { eventAdded { id type escrow { version } } }");
  const escrows = await subscribe(
    bed,
    `subscription { escrowChanged(chainId: 1) { address version } }`,
  );
  const others = await subscribe(bed, `subscription { eventAdded(type: [EscrowRefunded]) { id } }`);
  const progress = await subscribe(bed, "subscription { progress { chainId indexed { block } } }");
  expect(events.type).toMatch(/^text\/event-stream/);
  // The first look learns what there is: whatever changes behind it is said.
  let changes = 0;
  await waitUntil("progress is said", async () => {
    changes += 1;
    await bed.deployment.holds(first, [
      { chainId: 1, latest: 216_620 + (changes % 9), finalized: 216_505 },
    ]);
    await bed.owner.query("select 1");
    return progress.said.length > 0;
  });
  expect(progress.said.at(-1).data.progress).toMatchObject([{ chainId: 1 }]);
  const before = events.said.length;

  await bed.deployment.holds(
    [...first, UNPUBLISHED],
    [{ chainId: 1, latest: 216_630, finalized: 216_505 }],
  );
  await waitUntil(
    "the event and its escrow are said",
    () => escrows.said.length > 0 && events.said.length > before,
  );
  expect(events.said.at(-1).data.eventAdded).toEqual({
    id: UNPUBLISHED.id,
    type: "Approved",
    escrow: { version: expect.any(Number) },
  });
  expect(escrows.said.at(-1).data.escrowChanged.address).toBe(OPEN);

  const other = historyWithFork(FORK_HASHES.second);
  await bed.deployment.holds(
    [...other, UNPUBLISHED],
    [{ chainId: 1, latest: 216_640, finalized: 216_505 }],
  );
  await waitUntil("the escrow of the fork is said", () =>
    escrows.said.some(({ data }) => data.escrowChanged.address === FORKED),
  );
  expect(others.said).toEqual([]);
  for (const each of [events, escrows, others, progress]) await each.leave();
});

test("that are too many are refused, and make room when their clients leave", async () => {
  const bed = await startApiBed(world);
  const all = await Promise.all(
    Array.from({ length: 200 }, () => subscribe(bed, "subscription { progress { chainId } }")),
  );
  const refused = await subscribe(bed, "subscription { progress { chainId } }");
  await waitUntil("one is refused", () => refused.said.length > 0);
  expect(refused.said[0].errors[0]).toMatchObject({ extensions: { code: "ES-BUSY" } });
  await Promise.all(all.slice(0, 10).map(({ leave }) => leave()));
  await waitUntil("there is room again", async () => {
    const next = await subscribe(bed, "subscription { progress { chainId } }");
    await new Promise((resolve) => setImmediate(resolve));
    await next.leave();
    return next.said.length === 0;
  });
  await Promise.all(all.map(({ leave }) => leave()));
});
