import type pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { SeededRandom } from "../../local/chain/seeded-random.ts";
import { Deal } from "../forks/deal.ts";
import { ForkWorld } from "../forks/fork-world.ts";
import type { SimulatedChain } from "../forks/simulated-chain.ts";
import { waitUntil } from "../support/wait-until.ts";

type Seen = { forking: number; beside: number };

const random = new SeededRandom("reorg-beside");
let world: ForkWorld;

beforeAll(async () => {
  world = await ForkWorld.create("reorg-beside");
});

afterAll(() => world?.end());

test("When one chain drops blocks, no reader ever misses what happened on another after them", async () => {
  const [forking, beside] = world.chains;
  if (forking === undefined || beside === undefined) throw new Error("too few chains");
  await happenOn(forking);
  await happenOn(beside);
  await happenOn(beside);
  const before = await look(forking, beside);
  expect(before).toEqual({ forking: 2, beside: 4 });

  const seen: Seen[] = [];
  let isOver = false;
  const watchers = Array.from({ length: 3 }, async () => {
    while (!isOver) seen.push(await look(forking, beside));
  });
  forking.fork(forking.head.number - 1, [{ transactions: [], secondsLater: 2 }]);
  await waitUntil("the dropped block is reverted", async () => seen.at(-1)?.forking === 0);
  // The engine has followed the fork when it goes on.
  await happenOn(forking);
  isOver = true;
  await Promise.all(watchers);
  expect(seen.filter(({ beside }) => beside !== before.beside)).toEqual([]);

  // And what was indexed again is reverted like anything else.
  await happenOn(beside);
  beside.fork(beside.head.number - 3, [{ transactions: [], secondsLater: 2 }]);
  await waitUntil(
    "the other chain's fork is followed",
    async () => (await look(forking, beside)).beside === 0,
  );
  expect(await look(forking, beside)).toEqual({ forking: 2, beside: 0 });
});

/** Lets an escrow be created in a block of its own, and waits until that is indexed. */
async function happenOn(chain: SimulatedChain): Promise<void> {
  const transaction = new Deal(random).next([]);
  if (transaction === null) throw new Error("a new deal has nothing to do");
  chain.mine([{ transactions: [transaction], secondsLater: 2 }]);
  const { hash } = chain.head;
  await waitUntil(`block ${chain.head.number} of chain ${chain.chainId} is indexed`, async () => {
    const { rowCount } = await query("select from escrow.event where block_hash = $1", [hash]);
    return rowCount === 2;
  });
}

async function look(forking: SimulatedChain, beside: SimulatedChain): Promise<Seen> {
  const { rows } = await query<{ chain_id: string }>("select chain_id from escrow.event");
  const on = ({ chainId }: SimulatedChain) =>
    rows.filter(({ chain_id }) => Number(chain_id) === chainId).length;
  return { forking: on(forking), beside: on(beside) };
}

function query<Row extends pg.QueryResultRow>(text: string, values: unknown[] = []) {
  return world.pool.query<Row>(text, values);
}
