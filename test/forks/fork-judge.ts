import { setTimeout } from "node:timers/promises";
import type { EscrowEvent } from "../../src/events/escrow-event.ts";
import { FINAL_TOPIC, LATEST_TOPIC } from "../support/test-world.ts";
import { eventsOf } from "./canonical-events.ts";
import type { ChainHistory } from "./chain-history.ts";
import { CONFIRMATIONS, CONFIRMED_TOPIC, type ForkWorld, NEXT_FINAL_TOPIC } from "./fork-world.ts";
import { judgeLedger } from "./judge-ledger.ts";
import { judgeReadModels } from "./judge-read-models.ts";
import { TopicJudge } from "./topic-judge.ts";

type Counts = { events: number; unpublished: number; told: number };

const SETTLE_MS = 600_000;
const MAX_PROBLEMS = 20;

/** Compares everything that the service has told and kept with the canonical chains. */
export class ForkJudge {
  readonly #world: ForkWorld;
  readonly #latest: TopicJudge;
  readonly #confirmed: TopicJudge;
  #final: TopicJudge;
  #topics: readonly TopicJudge[];
  /** A topic that fell silent, rightly. */
  #silent: TopicJudge | null = null;
  /** Canonical events of the histories that were judged: they are final. */
  readonly #past: EscrowEvent[] = [];

  constructor(world: ForkWorld) {
    this.#world = world;
    this.#latest = new TopicJudge(LATEST_TOPIC, 0, world.chains);
    this.#confirmed = new TopicJudge(CONFIRMED_TOPIC, CONFIRMATIONS, world.chains);
    this.#final = new TopicJudge(FINAL_TOPIC, "final", world.chains);
    this.#topics = [this.#latest, this.#confirmed, this.#final];
  }

  get retractions(): number {
    return this.#latest.retractions + this.#confirmed.retractions;
  }

  /** Whether the service has told all that is canonical now, and nothing else stands. */
  async isHeard(histories: readonly ChainHistory[]): Promise<boolean> {
    this.#read();
    const canonical = this.#past.length + canonicalEvents(histories).length;
    if (this.#latest.standingFacts !== canonical) return false;
    const { events, unpublished } = await this.#counts();
    return events === canonical && unpublished === 0;
  }

  /** Judges the next final topic from now on: the first one was halted, and keeps what it told. */
  giveUpFinalTopic(): void {
    this.#silent = this.#final;
    this.#final = new TopicJudge(NEXT_FINAL_TOPIC, "final", this.#world.chains);
    this.#topics = [this.#latest, this.#confirmed, this.#final];
  }

  /** Waits until nothing moves any more. False when that took too long. */
  async untilSettled(histories: readonly ChainHistory[]): Promise<boolean> {
    const events = canonicalEvents(histories);
    const deadline = performance.now() + SETTLE_MS;
    let isSettled = false;
    while (!isSettled && performance.now() < deadline) {
      isSettled =
        (await this.#isSettled(histories, this.#past.length + events.length)) &&
        this.#judgeStanding(events, histories).length === 0;
      if (!isSettled) await this.#nudgeFinality(histories);
      if (!isSettled) await setTimeout(50);
    }
    return isSettled;
  }

  /** Waits until nothing moves any more, then judges. What is wrong, in words. */
  async judge(histories: readonly ChainHistory[]): Promise<string[]> {
    const events = canonicalEvents(histories);
    const isSettled = await this.untilSettled(histories);
    const escrows = histories.flatMap(({ deals }) => deals.map(({ escrow }) => escrow));
    const { pool, ledger } = this.#world;
    const problems = [
      ...(isSettled ? [] : [`not settled within ${SETTLE_MS / 1_000} s`]),
      ...this.#allTopics.flatMap((topic) => topic.takeProblems()),
      ...this.#judgeStanding(events, histories),
      ...(await judgeReadModels(pool, events, escrows)),
      ...(await this.#judgeEventStore(events, escrows)),
      ...(await judgeLedger(pool, events, escrows)),
      ...(ledger.deadLetters === 0 ? [] : [`the ledger has ${ledger.deadLetters} dead letters`]),
    ];
    this.#past.push(...events);
    return problems.slice(0, MAX_PROBLEMS);
  }

  /** Judges the totals, and that nothing of what came before has changed. */
  async judgeAll(): Promise<string[]> {
    const escrows = [...new Set(this.#past.map(({ stream }) => stream))];
    const { pool } = this.#world;
    this.#read();
    return [
      ...this.#allTopics.flatMap((topic) => topic.takeProblems()),
      ...this.#judgeStanding(this.#past, []),
      ...(await judgeReadModels(pool, this.#past, null)),
      ...(await this.#judgeEventStore(this.#past, escrows)),
      ...(await judgeLedger(pool, this.#past, escrows)),
    ].slice(0, MAX_PROBLEMS);
  }

  async #isSettled(histories: readonly ChainHistory[], canonical: number): Promise<boolean> {
    this.#read();
    if (this.#topics.some(({ standingFacts }) => standingFacts !== canonical)) return false;
    const { engine, relay, ledger } = this.#world;
    if (!engine.isRunning || !relay.isRunning || !(await this.isHeard(histories))) return false;
    const { told } = await this.#counts();
    this.#read();
    const received = this.#allTopics.reduce((sum, { messages }) => sum + messages, 0);
    return told === received && (await ledger.applied()) === this.#latest.messages;
  }

  /** Lets the chains go on whose heads the engine has indexed without calling all of it final. */
  async #nudgeFinality(histories: readonly ChainHistory[]): Promise<void> {
    const { rows } = await this.#world.pool
      .query<{ chain_id: string; head: number; finalized: number }>(
        `select chain_id, substring(latest_checkpoint, 27, 16)::int as head,
                substring(finalized_checkpoint, 27, 16)::int as finalized
         from escrow._ponder_checkpoint`,
      )
      .catch(() => ({ rows: [] }));
    for (const history of histories) {
      const { chain, lastBlock } = history;
      const row = rows.find(({ chain_id }) => Number(chain_id) === chain.chainId);
      if (row?.head === chain.head.number && row.finalized < lastBlock) history.nudgeFinality();
    }
  }

  get #allTopics(): readonly TopicJudge[] {
    return this.#silent === null ? this.#topics : [...this.#topics, this.#silent];
  }

  #read(): void {
    for (const topic of this.#allTopics) topic.read(this.#world.recorder.on(topic.topic));
  }

  #judgeStanding(events: EscrowEvent[], histories: readonly ChainHistory[]): string[] {
    const expected = Map.groupBy(events, ({ chainId, stream }) => `${chainId}:${stream}`);
    const dropped = histories.flatMap(({ chain, deals }) =>
      deals.map(({ escrow }) => `${chain.chainId}:${escrow}`),
    );
    const problems: string[] = [];
    for (const key of new Set([...expected.keys(), ...dropped])) {
      const ids = (expected.get(key) ?? []).map(({ id }) => id);
      for (const judge of this.#topics) {
        const standing = judge.standing(key);
        if (standing.join() !== ids.join())
          problems.push(
            `${judge.topic}: of ${key} stand ${standing.join()}, expected ${ids.join()}`,
          );
      }
    }
    return problems;
  }

  async #judgeEventStore(events: EscrowEvent[], escrows: string[]): Promise<string[]> {
    const expected = events.map(({ id }) => id).sort();
    const problems: string[] = [];
    for (const [table, id, of] of [
      ["event", "id", "stream"],
      ["outbox", "event_id", "attributes::jsonb ->> 'escrow_address'"],
    ]) {
      const { rows } = await this.#world.pool.query<{ id: string }>(
        `select ${id} as id from escrow.${table} where ${of} = any ($1)`,
        [escrows],
      );
      const found = rows.map((row) => row.id).sort();
      if (found.join() !== expected.join())
        problems.push(`escrow.${table} holds ${found.join()}, expected ${expected.join()}`);
    }
    return problems;
  }

  async #counts(): Promise<Counts> {
    try {
      const { rows } = await this.#world.pool.query<Counts>(
        `select (select count(*)::int from escrow.event) as events,
                (select count(*)::int from relay.ordering_key
                 where published_sequence < last_sequence) as unpublished,
                (select count(*)::int from relay.message) as told`,
      );
      return rows[0] ?? { events: 0, unpublished: 0, told: 0 };
    } catch {
      // The service is not there yet.
      return { events: -1, unpublished: -1, told: -1 };
    }
  }
}

function canonicalEvents(histories: readonly ChainHistory[]): EscrowEvent[] {
  return histories.flatMap(({ chain, blocks }) =>
    blocks.flatMap((block) => eventsOf(chain.chainId, block)),
  );
}
