import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { columnParsers } from "../../apps/api/read/column-parsers.ts";
import { ConnectionLease } from "../../apps/api/read/connection-lease.ts";
import type { Snapshot } from "../../apps/api/read/consistent-reads.ts";
import { escrowAtBlock } from "../../apps/api/read/past/escrow-at-block.ts";
import { partyAtBlock } from "../../apps/api/read/past/party-at-block.ts";
import { ensureProgressView } from "../../engine/ensure-progress-view.ts";
import type { EscrowEvent } from "../../src/events/escrow-event.ts";
import { manyDeals } from "../support/many-deals.ts";
import { projectEvents } from "../support/project-events.ts";
import { RelayWorld } from "../support/relay-world.ts";
import { StandInDeployment } from "../support/stand-in-deployment.ts";

/* What was at a block is what the read models hold when nothing after it has been indexed. */

const CHAIN = 41_021;
const DEALS = manyDeals(CHAIN, 12);
const LAST = Math.max(...DEALS.map(({ blockNumber }) => blockNumber));

const world = new RelayWorld();
let pool: pg.Pool;
beforeAll(async () => {
  await world.start();
  const { url, pool: owner } = await world.database();
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await ensureProgressView(client);
  await client.end();
  const deployment = await StandInDeployment.create(owner);
  await deployment.holds(DEALS, [{ chainId: CHAIN, latest: LAST, finalized: 5 }]);
  pool = new pg.Pool({ connectionString: url, types: columnParsers, max: 1 });
});
afterAll(async () => {
  await pool?.end();
  await world.stop();
});

test("An escrow at a block is what the read models held then, with its approvals and events [G-9]", async () => {
  for (let block = 1; block <= LAST; block += 1) {
    const then = projectEvents(upTo(block));
    for (const escrow of then.rowsOf("escrow").values()) {
      const address = (escrow as { address: string }).address;
      const found = await inSnapshot((snapshot) => escrowAtBlock(snapshot, CHAIN, address, block));
      expect(asText(found.escrow)).toEqual(asText(snakeCase(escrow)));
      expect(found.events.map(({ id }) => id)).toEqual(
        upTo(block)
          .filter(({ stream }) => stream === address)
          .map(({ id }) => id),
      );
      expect(found.approvals).toHaveLength(found.escrow.approvals_given);
      expect(found.asOf).toEqual({ block, is_final: block <= 5 });
    }
  }
});

test("A party at a block is what the read models held then [G-9]", async () => {
  for (let block = 1; block <= LAST; block += 1)
    for (const party of projectEvents(upTo(block)).rowsOf("party").values()) {
      const address = (party as { address: string }).address;
      const found = await inSnapshot((snapshot) => partyAtBlock(snapshot, CHAIN, address, block));
      expect(asText(found.party)).toEqual(asText(snakeCase(party)));
    }
});

test("A block that is not indexed, a chain that is not followed, and what was not there yet are refused by name", async () => {
  const [first] = DEALS;
  const address = first?.stream ?? "";
  const ask = (chainId: number, of: string, block: number) =>
    inSnapshot((snapshot) => escrowAtBlock(snapshot, chainId, of, block));
  await expect(ask(CHAIN, address, LAST + 1)).rejects.toMatchObject({
    status: 400,
    message: `block ${LAST + 1} of chain ${CHAIN} is not indexed: the indexed head is block ${LAST}`,
  });
  await expect(ask(5, address, 1)).rejects.toMatchObject({
    status: 404,
    message: `chain 5 is not followed here (followed: ${CHAIN})`,
  });
  await expect(ask(CHAIN, address, 0)).rejects.toMatchObject({
    status: 404,
    message: `escrow ${address} of chain ${CHAIN} did not exist at block 0: its first event is in block ${first?.blockNumber}`,
  });
  await expect(ask(CHAIN, "0x00", 1)).rejects.toMatchObject({ status: 404 });
});

async function inSnapshot<T>(work: (snapshot: Snapshot) => Promise<T>): Promise<T> {
  const { signal } = new AbortController();
  const lease = new ConnectionLease(await pool.connect(), signal, null);
  try {
    const { progress } = await lease.begin(true);
    return await work({ db: lease.db, progress, signal });
  } finally {
    await lease.giveBack();
  }
}

function upTo(block: number): EscrowEvent[] {
  return DEALS.filter(({ blockNumber }) => blockNumber <= block);
}

/** Amounts and times as rows have them. */
function asText(row: object): unknown {
  return JSON.parse(
    JSON.stringify(row, (_, value) => (typeof value === "bigint" ? String(value) : value)),
  );
}

function snakeCase(row: object): object {
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => [
      name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      value,
    ]),
  );
}
