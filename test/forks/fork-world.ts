import { PubSub } from "@google-cloud/pubsub";
import pg from "pg";
import { ensureSubscription } from "../../examples/02-settlement-consumer/ensure-subscription.ts";
import { FINAL_TOPIC, LATEST_TOPIC, TestWorld } from "../support/test-world.ts";
import type { TopicRecorder } from "../support/topic-recorder.ts";
import { ChainNode } from "./chain-node.ts";
import { ChainSimulator } from "./chain-simulator.ts";
import { FACTORIES } from "./deal.ts";
import { ForkLedger } from "./fork-ledger.ts";
import { RestartableService } from "./restartable-service.ts";
import { SimulatedChain } from "./simulated-chain.ts";

const CHAIN_IDS = [41_201, 41_202, 41_203];
const NODES_PER_CHAIN = 2;
/** Enough that the engine has a final block to begin with. */
const FIRST_BLOCKS = 70;
const LEDGER_SUBSCRIPTION = "ledger";

/** A topic that tells an event when its block has so many others on top of it. */
export const CONFIRMED_TOPIC = "confirmed.events.v1";
export const CONFIRMATIONS = 4;
/** Takes the place of the final topic after a reorg deeper than finality. */
export const NEXT_FINAL_TOPIC = "settlement.events.v2";

const PUBLICATIONS = `${FINAL_TOPIC}=finalized,${LATEST_TOPIC}=latest,${CONFIRMED_TOPIC}=${CONFIRMATIONS}`;

/** Everything that a run of the suite needs: the chains, and the real service beside them. */
export class ForkWorld {
  readonly chains: readonly SimulatedChain[];
  readonly nodes: readonly ChainNode[];
  readonly simulator: ChainSimulator;
  readonly pool: pg.Pool;
  readonly recorder: TopicRecorder;
  readonly ledger: ForkLedger;
  readonly engine: RestartableService;
  readonly relay: RestartableService;
  readonly publications = PUBLICATIONS;
  readonly #world: TestWorld;
  readonly #pubsub: PubSub;

  private constructor(parts: {
    world: TestWorld;
    pubsub: PubSub;
    databaseUrl: string;
    projectId: string;
    chains: SimulatedChain[];
    nodes: ChainNode[];
    simulator: ChainSimulator;
    recorder: TopicRecorder;
  }) {
    const { world, pubsub, databaseUrl, projectId, chains, nodes, simulator, recorder } = parts;
    this.#world = world;
    this.#pubsub = pubsub;
    this.chains = chains;
    this.nodes = nodes;
    this.simulator = simulator;
    this.recorder = recorder;
    this.pool = new pg.Pool({ connectionString: databaseUrl });
    this.pool.on("error", () => undefined);
    this.ledger = new ForkLedger(this.pool, pubsub, LEDGER_SUBSCRIPTION);
    const env = {
      ...environment(chains, nodes, simulator),
      DATABASE_URL: databaseUrl,
      PUBSUB_PROJECT_ID: projectId,
      PUBSUB_EMULATOR_HOST: world.pubsub.address,
    };
    this.engine = new RestartableService("indexer", env, () => this.#releaseSchema());
    this.relay = new RestartableService("relay", env);
  }

  static async create(seed: string): Promise<ForkWorld> {
    const world = await TestWorld.create();
    const chains = CHAIN_IDS.map((chainId) => new SimulatedChain(chainId, seed));
    for (const chain of chains)
      chain.mine(
        Array.from({ length: FIRST_BLOCKS }, () => ({ transactions: [], secondsLater: 2 })),
      );
    const nodes = chains.flatMap((chain) =>
      Array.from({ length: NODES_PER_CHAIN }, () => new ChainNode(chain)),
    );
    const simulator = await ChainSimulator.start(nodes);
    const projectId = world.freshProject();
    const databaseUrl = await world.createDatabase();
    const recorder = await world.record(projectId, world.pubsub.address, [
      CONFIRMED_TOPIC,
      NEXT_FINAL_TOPIC,
    ]);
    const pubsub = new PubSub({ projectId, apiEndpoint: world.pubsub.address, emulatorMode: true });
    await ensureSubscription(pubsub, { topic: LATEST_TOPIC, subscription: LEDGER_SUBSCRIPTION });
    const parts = { world, pubsub, databaseUrl, projectId, chains, nodes, simulator, recorder };
    const forks = new ForkWorld(parts);
    await forks.ledger.start();
    forks.engine.start();
    forks.relay.start();
    return forks;
  }

  get restarts(): number {
    return this.engine.restarts + this.relay.restarts;
  }

  nodesOf(chain: SimulatedChain): ChainNode[] {
    return this.nodes.filter((node) => node.chain === chain);
  }

  async end(): Promise<void> {
    await this.relay.kill();
    await this.engine.kill();
    await this.ledger.stop();
    await this.simulator.stop();
    await this.#pubsub.close();
    await this.pool.end();
    await this.#world.end();
  }

  /** The engine keeps others out of its schema for 25 s after it was killed. */
  async #releaseSchema(): Promise<void> {
    const { rows } = await this.pool.query<{ schema: string }>(
      String.raw`select schemaname as schema from pg_tables
                 where tablename = '_ponder_meta' and schemaname like 'escrow\_%'`,
    );
    for (const { schema } of rows)
      await this.pool.query(
        `update "${schema}"._ponder_meta set value = jsonb_set(value, '{is_locked}', '0')
         where key = 'app'`,
      );
  }
}

function environment(
  chains: SimulatedChain[],
  nodes: ChainNode[],
  simulator: ChainSimulator,
): Record<string, string> {
  const deployments = chains.map(({ chainId }) => ({
    name: `chain-${chainId}`,
    chainId,
    factories: (["A", "B"] as const).map((revision) => ({
      address: FACTORIES[revision],
      startBlock: 1,
      revision,
    })),
  }));
  const urls = chains.map((chain) => [
    `RPC_URL_${chain.chainId}`,
    nodes
      .filter((node) => node.chain === chain)
      .map((node) => simulator.urlOf(node))
      .join(","),
  ]);
  return {
    PUBLICATIONS,
    DEPLOYMENTS: JSON.stringify(deployments),
    ...Object.fromEntries(urls),
    POLL_INTERVAL_SECONDS: "0.1",
    RPC_REQUESTS_PER_SECOND: "500",
    FINAL_REQUIRES: "trust",
    PONDER_LOG_LEVEL: "warn",
    METADATA_SERVER_DETECTION: "none",
    RELAY_POLL_INTERVAL_MS: "100",
    RELAY_LEASE_MS: "2000",
    RELAY_HALT_LOOKS_APART_MS: "1000",
    PUBSUB_PUBLISH_TIMEOUT_MS: "2000",
    RELAY_IN_DOUBT_MARGIN_MS: "500",
  };
}
