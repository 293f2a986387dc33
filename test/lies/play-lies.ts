import { SeededRandom } from "../../local/chain/seeded-random.ts";
import { playFirstHalf, playSecondHalf } from "../support/deal-script.ts";
import { expectedIds, expectedMessages } from "../support/expected-messages.ts";
import { ServiceProcess } from "../support/service-process.ts";
import { TestChain } from "../support/test-chain.ts";
import { FINAL_TOPIC, LATEST_TOPIC, type TestWorld } from "../support/test-world.ts";
import type { Received } from "../support/topic-recorder.ts";
import { Liar } from "./liar.ts";
import { LyingNode } from "./lying-node.ts";
import type { NamedLie } from "./named-lie.ts";

export type LieGame = {
  /** What the nodes choose from, call by call. */
  lies: readonly NamedLie[];
  /** How many endpoints there are; the first one lies. */
  nodes: number;
  /** Which share of its answers are lies, 0 to 1. */
  share: number;
  seed: string;
};

/** What a chain and its topics differ in, of events that a backfill or the live side had to get. */
export type LieVerdict = {
  lost: number;
  invented: number;
  falseRetractions: number;
  differing: number;
  falseHalts: number;
  /** What did not arrive in time, in words; empty when all did. */
  stuck: string;
  events: number;
  lies: number;
};

const TIMEOUT_MS = 120_000;

/**
 * Lets the real indexer and relay follow a real chain through nodes that lie: what is there before
 * they start is backfilled, the rest happens while they run. Nothing on the chain is ever replaced,
 * so every message has to be the one that the chain's own logs call for.
 */
export async function playLies(
  world: TestWorld,
  chainId: number,
  game: LieGame,
): Promise<LieVerdict> {
  const chain = world.ends(await TestChain.start(chainId));
  const open = await playFirstHalf(chain);
  const nodes = await Promise.all(
    Array.from({ length: game.nodes }, async () => world.ends(await LyingNode.start(chain.rpcUrl))),
  );
  const [first] = nodes as [LyingNode];
  const liar = new Liar(first, {
    ...{ lies: game.lies, random: new SeededRandom(game.seed) },
    ...{ isAlone: game.nodes === 1, rate: game.share },
  });
  liar.lies(true);
  const databaseUrl = await world.createDatabase();
  const projectId = world.freshProject();
  const recorder = await world.record(projectId);
  const env = {
    ...TestChain.environment([chain]),
    [`RPC_URL_${chainId}`]: nodes.map(({ url }) => url).join(","),
    DATABASE_URL: databaseUrl,
    PUBSUB_PROJECT_ID: projectId,
    PUBSUB_EMULATOR_HOST: world.pubsub.address,
  };
  // As under `npm start`: a process that gives up for now is started again.
  const [, indexer] = (["relay", "indexer"] as const).map((name) =>
    world.ends(new Restarted(name, env)),
  );

  let stuck = "";
  const arrives = async (topic: string): Promise<void> => {
    if (stuck !== "") return;
    await recorder.waitForIds(topic, await expectedIds(chain), TIMEOUT_MS).catch((error: Error) => {
      stuck = `${error.message}; the indexer's last words:\n${indexer?.lastWords}`;
    });
  };
  await arrives(LATEST_TOPIC);
  await playSecondHalf(chain, open);
  await arrives(LATEST_TOPIC);
  await chain.makeFinal();
  await arrives(FINAL_TOPIC);

  const [halted] = await world.query<{ count: string }>(
    databaseUrl,
    "select count(*) from relay.publication where halted_reason is not null",
  );
  const verdict = { lost: 0, invented: 0, falseRetractions: 0, differing: 0 };
  for (const topic of [LATEST_TOPIC, FINAL_TOPIC])
    judge(await expectedMessages(chain, topic), recorder.on(topic), verdict);
  const events = (await expectedIds(chain)).length;
  return { ...verdict, falseHalts: Number(halted?.count), stuck, events, lies: liar.lies(false) };
}

function judge(
  expected: readonly Received[],
  received: readonly Received[],
  verdict: Pick<LieVerdict, "lost" | "invented" | "falseRetractions" | "differing">,
): void {
  const byId = new Map(expected.map((message) => [message.attributes.event_id, message]));
  const seen = new Set<string>();
  for (const message of received) {
    const id = message.attributes.event_id ?? "";
    if (id === "") continue;
    seen.add(id);
    const wanted = byId.get(id);
    if (message.attributes.event_type === "EventRetracted") verdict.falseRetractions += 1;
    else if (wanted === undefined) verdict.invented += 1;
    else if (JSON.stringify(wanted) !== JSON.stringify(sortedLike(message, wanted)))
      verdict.differing += 1;
  }
  for (const id of byId.keys()) if (!seen.has(id ?? "")) verdict.lost += 1;
}

/** Attributes have no order. */
function sortedLike(message: Received, { attributes }: Received): Received {
  const names = [...new Set([...Object.keys(attributes), ...Object.keys(message.attributes)])];
  return {
    orderingKey: message.orderingKey,
    body: message.body,
    attributes: Object.fromEntries(
      names.flatMap((name) =>
        message.attributes[name] === undefined ? [] : [[name, message.attributes[name]]],
      ),
    ),
  };
}

/** A command that is started again whenever it ends by itself. */
class Restarted {
  readonly #start: () => ServiceProcess;
  #process: ServiceProcess;
  #isStopped = false;

  constructor(command: "indexer" | "relay", env: Record<string, string>) {
    this.#start = () => new ServiceProcess(command, { env });
    this.#process = this.#start();
    void this.#watch();
  }

  get lastWords(): string {
    return this.#process.lines.slice(-10).join("\n");
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#process.stop();
  }

  async #watch(): Promise<void> {
    while (!this.#isStopped) {
      await this.#process.exited;
      if (!this.#isStopped) this.#process = this.#start();
    }
  }
}
