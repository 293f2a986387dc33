import { randomUUID } from "node:crypto";
import type { Kysely } from "kysely";
import pg from "pg";
import { pino } from "pino";
import type { Chain } from "../../config/chain-deployment.ts";
import type { FinalRules } from "../../config/final-rules.ts";
import { ensureProgressView } from "../../engine/ensure-progress-view.ts";
import { ensureWitnessTables } from "../../engine/witness-tables.ts";
import { ChainWitness } from "../../proof/witness/chain-witness.ts";
import type { ChainWitnessStatus } from "../../proof/witness/witness-status.ts";
import { openSources } from "../../source/open-sources.ts";
import type { EscrowEvent } from "../../src/events/escrow-event.ts";
import { storedEvents } from "../audit/audited-chain.ts";
import { ChainNode } from "../forks/chain-node.ts";
import { ChainSimulator } from "../forks/chain-simulator.ts";
import { FACTORIES } from "../forks/deal.ts";
import type { SimulatedChain } from "../forks/simulated-chain.ts";
import { hurriedClock } from "../lies/hurried-clock.ts";
import { LyingNode } from "../lies/lying-node.ts";
import { RelayWorld, type TestDatabase } from "../support/relay-world.ts";
import { StandInDeployment } from "../support/stand-in-deployment.ts";
import { waitUntil } from "../support/wait-until.ts";

/** Blocks on top of one that the stand-in engine calls final. */
const FINAL_DEPTH = 30;
const POLL_MS = 20;
const UNTIL_MS = Number(process.env.UNTIL_MS ?? 60_000);
const LOOK_EVERY_MS = 30;

type WrittenFinding = {
  kind: string;
  event_id: string;
  basis: string;
  isHealed: boolean;
  isWithdrawn: boolean;
};

/** A chain at some nodes, and an event store in which it was indexed without fault. */
export class WitnessScene {
  readonly chain: SimulatedChain;
  readonly nodes: LyingNode[];
  readonly pool: pg.Pool;
  readonly db: Kysely<unknown>;
  readonly url: string;
  readonly deployment: StandInDeployment;
  /** Of the whole chain, in its order. */
  readonly events: EscrowEvent[];
  readonly log: Record<string, unknown>[] = [];
  readonly #endings: (() => Promise<unknown>)[] = [];

  constructor(
    chain: SimulatedChain,
    nodes: LyingNode[],
    database: TestDatabase,
    deployment: StandInDeployment,
  ) {
    this.chain = chain;
    this.nodes = nodes;
    this.pool = database.pool;
    this.db = database.db;
    this.url = database.url;
    this.deployment = deployment;
    this.events = storedEvents(chain);
  }

  /** The last block that the stand-in engine calls final. */
  get final(): number {
    return this.chain.head.number - FINAL_DEPTH;
  }

  /** Requests that the nodes got so far. */
  get requests(): number {
    return this.nodes.reduce((sum, { calls }) => sum + calls.length, 0);
  }

  async indexed(events = this.events, deployment = this.deployment): Promise<void> {
    const { chainId, head } = this.chain;
    await deployment.holds(events, [{ chainId, latest: head.number, finalized: this.final }]);
  }

  witness({
    rules = ["verified", "trust"] as FinalRules,
    looks = 3,
    lookEveryMs = LOOK_EVERY_MS,
    leaseMs = 10_000,
    nodes = this.nodes,
    revisions = ["A", "B"] as readonly ("A" | "B")[],
  } = {}): RunningWitness {
    const chain: Chain = {
      ...{ name: "simulated", chainId: this.chain.chainId, pollIntervalMs: POLL_MS },
      rpcUrls: nodes.map(({ url }) => url),
      rpcRequestsPerSecond: 10_000,
      factories: revisions.map((revision) => ({
        ...{ address: FACTORIES[revision], startBlock: 1, revision },
      })),
    };
    const sourceOf = (rpcAgree: number) => {
      const [source] = openSources([{ ...chain, rpcAgree }], () => undefined, hurriedClock());
      if (source === undefined) throw new Error("no source");
      return source;
    };
    const pool = new pg.Pool({ connectionString: this.url, max: 3 });
    pool.on("error", () => undefined);
    const log = pino({ base: {} }, { write: (line) => void this.log.push(JSON.parse(line)) });
    const owner = randomUUID();
    const witness = new ChainWitness({
      ...{ chain, pool, source: sourceOf(1), agreeing: sourceOf, rules, log, owner },
      ...{ leaseMs, looks, lookEveryMs },
    });
    const running = new RunningWitness(witness, pool);
    this.#endings.push(() => running.stop());
    return running;
  }

  /** How far the event store is verified, by the table that the relay reads. */
  async verified(deployment = this.deployment.schema): Promise<number | null> {
    const { rows } = await this.pool.query(
      "select through_block from witness.verified where deployment = $1 and chain_id = $2",
      [deployment, this.chain.chainId],
    );
    return rows[0] === undefined ? null : Number(rows[0].through_block);
  }

  async findings(): Promise<WrittenFinding[]> {
    const { rows } = await this.pool.query(
      `select kind, event_id, basis, healed_at is not null as "isHealed",
              withdrawn_at is not null as "isWithdrawn"
       from witness.finding
       order by block_number, event_id`,
    );
    return rows;
  }

  async end(): Promise<void> {
    for (const end of this.#endings.reverse()) await end();
  }
}

export class RunningWitness {
  readonly #witness: ChainWitness;
  readonly #pool: pg.Pool;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;
  #isEnded = false;

  constructor(witness: ChainWitness, pool: pg.Pool) {
    this.#witness = witness;
    this.#pool = pool;
    this.#running = witness.run(this.#stop.signal);
  }

  get status(): ChainWitnessStatus {
    return this.#witness.status;
  }

  /** @throws with the status when that does not come true */
  async until(is: (status: ChainWitnessStatus) => boolean): Promise<ChainWitnessStatus> {
    await waitUntil(
      "the witness is that far",
      () => {
        if (is(this.status)) return true;
        throw new Error(JSON.stringify(this.status));
      },
      UNTIL_MS,
    );
    return this.status;
  }

  async stop(): Promise<void> {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#stop.abort();
    await this.#running;
    await this.#pool.end();
  }
}

/** Makes scenes for one test file: a PostgreSQL with a database for each. */
export class WitnessBed {
  readonly #world = new RelayWorld();
  readonly #endings: (() => Promise<unknown>)[] = [];

  start(): Promise<void> {
    return this.#world.start();
  }

  async stop(): Promise<void> {
    await this.endTest();
    await this.#world.stop();
  }

  async endTest(): Promise<void> {
    for (const end of this.#endings.splice(0).reverse()) await end();
  }

  /** @param nodes how many nodes the chain has */
  async scene(chain: SimulatedChain, nodes = 1): Promise<WitnessScene> {
    const node = new ChainNode(chain);
    const simulator = await ChainSimulator.start([node]);
    this.#endings.push(() => simulator.stop());
    const proxies = await Promise.all(
      Array.from({ length: nodes }, () => LyingNode.start(simulator.urlOf(node))),
    );
    for (const proxy of proxies) this.#endings.push(() => proxy.stop());
    const database = await this.#world.database();
    const deployment = await StandInDeployment.create(database.pool);
    const client = new pg.Client({ connectionString: database.url });
    await client.connect();
    await ensureProgressView(client);
    await ensureWitnessTables(client);
    await client.end();
    const scene = new WitnessScene(chain, proxies, database, deployment);
    this.#endings.push(() => scene.end());
    await scene.indexed();
    return scene;
  }
}
