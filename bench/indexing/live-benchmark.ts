import { setTimeout } from "node:timers/promises";
import { defineBenchmark } from "../framework/benchmark.ts";
import { watchUsage } from "../framework/process-usage.ts";
import type { Report } from "../framework/report.ts";
import { runInTurn, type Sample, type Series, seriesTable } from "../framework/run-in-turn.ts";
import { approvalBlocks, type ChainBlock, escrowChain } from "../parts/escrow-chain.ts";
import { query, startDatabase } from "../parts/start-database.ts";
import { startRpc } from "../parts/start-rpc.ts";
import { ESCROW_STREAM, type RunningEngine } from "./engine-indexers.ts";
import { recordedPlace } from "./place.ts";

const EVENTS_PER_BLOCK = [0, 10, 100];
const ESCROWS_PER_BLOCK = 200;
const LOOK_EVERY_MS = 10;

/** How many blocks per second the indexer keeps up with, once it follows the chain's head. */
export const liveBenchmark = defineBenchmark({
  title: "live indexing: blocks per second with many known escrows",
  needsContenders: false,
  options: {
    escrows: { full: 100_000, quick: 200, says: "known escrows, all open" },
    blocks: { full: 200, quick: 20, says: "new blocks per run" },
  },
  run: async (run) => {
    const { escrows, blocks } = run.options;
    const heads: number[] = [];
    const chain = function* (): Generator<ChainBlock> {
      let last = { number: 0, timestamp: 0 };
      for (const block of escrowChain({
        escrows,
        escrowsPerBlock: ESCROWS_PER_BLOCK,
        isOpen: true,
      })) {
        last = block;
        yield block;
      }
      heads.push(last.number);
      for (let round = 0; round < run.rounds; round++)
        for (const eventsPerBlock of EVENTS_PER_BLOCK) {
          for (const block of approvalBlocks(last, { blocks, eventsPerBlock, escrows })) {
            last = block;
            yield block;
          }
          heads.push(last.number);
        }
    };
    const postgres = await startDatabase(run.folder);
    const rpc = await startRpc(run.folder, chain());
    const [knownHead = 0, ...nextHeads] = heads;
    await rpc.setHead(knownHead);
    const databaseUrl = await postgres.createDatabase();
    run.print(`indexing ${escrows} escrows`);
    const indexer = await ESCROW_STREAM.start(recordedPlace(databaseUrl, rpc));
    await untilIndexed(indexer, knownHead);
    let events = 2 * escrows;
    const series = await runInTurn(
      EVENTS_PER_BLOCK.map((eventsPerBlock) => ({
        name: `${eventsPerBlock} events per block`,
        run: async (): Promise<Sample> => {
          const head = nextHeads.shift() ?? 0;
          const end = watchUsage(indexer.child.pid);
          const startedMs = performance.now();
          await rpc.setHead(head);
          await untilIndexed(indexer, head);
          const seconds = (performance.now() - startedMs) / 1000;
          const usage = await end();
          events += blocks * eventsPerBlock;
          const facts = await indexer.facts();
          if (facts.events !== events || facts.escrows !== escrows || facts.faults !== 0)
            throw new Error(`${JSON.stringify(facts)} at block ${head}, and not ${events} events`);
          return { ...usage, seconds, units: blocks };
        },
      })),
      // All of them, or the blocks would not fit.
      { ...run, isWanted: () => true },
    );
    await query(databaseUrl, "checkpoint");
    await indexer.remove();
    return report(series, escrows, blocks);
  },
});

/** Ready, and everything up to the block can be read. */
async function untilIndexed({ child, state }: RunningEngine, block: number): Promise<void> {
  while (!((await state.isReady()) && (await state.indexedBlock()) >= block)) {
    if (child.process.exitCode !== null)
      throw new Error(`the indexer ended with ${child.process.exitCode}`);
    await setTimeout(LOOK_EVERY_MS);
  }
}

function report(series: Series[], escrows: number, blocks: number): Report {
  return {
    tables: [
      seriesTable(`${escrows.toLocaleString("en-US")} known escrows`, "blocks", series, [
        `${blocks} new blocks appear at once, and the time runs until the last of them can be read: so this is the rate of blocks that the indexer can follow for good. Each block is fetched, indexed and committed by itself.`,
        "The events are approvals of escrows of all ages. After each run their number and every escrow are checked.",
      ]),
    ],
    raw: { series },
  };
}
