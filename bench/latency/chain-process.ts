import { setTimeout } from "node:timers/promises";
import { SeededRandom } from "../../local/chain/seeded-random.ts";
import { ChainNode } from "../../test/forks/chain-node.ts";
import { ChainSimulator } from "../../test/forks/chain-simulator.ts";
import { type Block, SimulatedChain } from "../../test/forks/simulated-chain.ts";
import type { ChainCommand, ChainReport } from "./chain-messages.ts";
import { EventSource } from "./event-source.ts";

/*
 * A simulated chain in a process of its own: mines blocks with events at a rate when it is told to,
 * notes when each was mined and when the engine first heard of it, and forks.
 */

const CHAIN_ID = 41_301;
/** Enough that the engine has a final block to begin with. */
const FIRST_BLOCKS = 70;
const EMPTY = { transactions: [], secondsLater: 2 };

const chain = new SimulatedChain(CHAIN_ID, "latency");
chain.mine(Array.from({ length: FIRST_BLOCKS }, () => EMPTY));
const source = new EventSource(new SeededRandom("latency"));
const minedAtMs = new Map<Block, number>();
const seenAtMs = new Map<Block, number>();

/** A node that notes which head it told first when. */
class WatchedNode extends ChainNode {
  override get head(): Block {
    const head = super.head;
    if (!seenAtMs.has(head)) seenAtMs.set(head, now());
    return head;
  }
}

const node = new WatchedNode(chain);
const simulator = await ChainSimulator.start([node]);
process.once("disconnect", () => process.exit(0));
process.on("message", (command: ChainCommand) => void obey(command).then(tell));
tell({ chainId: CHAIN_ID, url: simulator.urlOf(node) });

async function obey(command: ChainCommand): Promise<ChainReport> {
  if (command.fork !== undefined) return fork(command.fork);
  const { eventsPerSecond, blockMs, seconds } = command.mine;
  const first = chain.head.number + 1;
  const startedMs = now();
  let owed = 0;
  for (let at = 1; at * blockMs <= seconds * 1000; at++) {
    await setTimeout(Math.max(0, startedMs + at * blockMs - now()));
    owed += (eventsPerSecond * blockMs) / 1000;
    const events = Math.floor(owed);
    mine(events > 0 ? source.plan(events) : EMPTY);
    owed -= chain.head.logs.length;
  }
  while (!seenAtMs.has(chain.head)) await setTimeout(5);
  return { blocks: chain.canonical.slice(first).flatMap(reportOf) };
}

/** Drops the last block, which gets some events first, and mines two empty ones in its place. */
async function fork(events: number): Promise<ChainReport> {
  mine(source.plan(events));
  const dropped = chain.head;
  while (!seenAtMs.has(dropped)) await setTimeout(5);
  await setTimeout(500);
  chain.fork(dropped.number - 1, [EMPTY, EMPTY]);
  const forkedAtMs = now();
  source.startOver();
  return { blocks: reportOf(dropped), forkedAtMs };
}

function mine(plan: Parameters<typeof chain.mine>[0][number]): void {
  chain.mine([plan]);
  minedAtMs.set(chain.head, now());
}

function reportOf(block: Block): ChainReport["blocks"] {
  if (block.logs.length === 0) return [];
  return [
    {
      number: block.number,
      minedAtMs: minedAtMs.get(block) ?? Number.NaN,
      // A head that came and went between two questions was seen with the one after it.
      seenAtMs: seenAtMs.get(block) ?? seenLater(block.number),
      eventIds: block.logs.map(({ index }) => `${CHAIN_ID}-${block.hash}-${index}`),
    },
  ];
}

function seenLater(number: number): number {
  const later = [...seenAtMs].filter(([head]) => head.number > number).map(([, ms]) => ms);
  return Math.min(...later);
}

/** Milliseconds since 1970, finer than a millisecond. */
function now(): number {
  return performance.timeOrigin + performance.now();
}

function tell(message: object): void {
  process.send?.(message);
}
