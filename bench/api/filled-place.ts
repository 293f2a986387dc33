import { setTimeout } from "node:timers/promises";
import { manyEscrowsSql } from "../../test/support/many-escrows.ts";
import { ESCROW_STREAM, type RunningEngine } from "../indexing/engine-indexers.ts";
import { type Place, recordedPlace } from "../indexing/place.ts";
import { approvalBlocks, type ChainBlock, escrowChain } from "../parts/escrow-chain.ts";
import { type BenchPostgres, query, startDatabase } from "../parts/start-database.ts";
import { type RunningRpc, startRpc } from "../parts/start-rpc.ts";

/** A deployment with many escrows, and an indexer that follows a chain into it. */
export type FilledPlace = {
  place: Place;
  postgres: BenchPostgres;
  indexer: RunningEngine;
  rpc: RunningRpc;
  /** The chain's head when it was filled; blocks up to `rpc.lastBlock` may come. */
  head: number;
  /** Escrows to ask for, in no order. */
  addresses: string[];
};

type Options = {
  folder: string;
  escrows: number;
  print: (line: string) => void;
  /** Blocks of so many events that may come later. */
  blocks?: number;
  eventsPerBlock?: number;
};

/** So many escrows are the chain's own; the others are put beside them, or it would take an hour. */
const INDEXED = 200;
const ASKED_FOR = 20_000;
/** Half of all escrows are paid by it. */
export const HOT_PARTY = `0x${"a".repeat(40)}`;

/** Indexes a small chain, and fills the indexer's tables up with escrows of two to four events. */
export async function fillPlace(options: Options): Promise<FilledPlace> {
  const { folder, escrows, print, blocks = 0, eventsPerBlock = 0 } = options;
  let head = 0;
  const chain = function* (): Generator<ChainBlock> {
    let last = { number: 0, timestamp: 0 };
    const isOpen = blocks > 0;
    for (const block of escrowChain({ escrows: INDEXED, escrowsPerBlock: 20, isOpen })) {
      last = block;
      yield block;
    }
    head = last.number;
    yield* approvalBlocks(last, { blocks, eventsPerBlock, escrows: INDEXED });
  };
  const postgres = await startDatabase(folder);
  const rpc = await startRpc(folder, chain());
  await rpc.setHead(head);
  const place = recordedPlace(await postgres.createDatabase(), rpc);
  print(`indexing ${INDEXED} escrows, then making ${escrows}`);
  const indexer = await ESCROW_STREAM.start(place);
  while (!(await indexer.isReady())) await setTimeout(50);
  const sql = manyEscrowsSql(indexer.schema, {
    ...{ escrows, hotParty: HOT_PARTY, chainId: place.chainId },
  });
  // Without the engine's triggers, which would have it revert these.
  await query(place.databaseUrl, `set session_replication_role = replica; ${sql}`);
  const rows = await query<{ address: string }>(
    place.databaseUrl,
    `select address from escrow.escrow where payer = '${HOT_PARTY}' or payer like '0xbb%'
     order by md5(address) limit ${ASKED_FOR}`,
  );
  return { place, postgres, indexer, rpc, head, addresses: rows.map(({ address }) => address) };
}
