import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { createOutboxTable } from "@escrow-stream/relay";
import pg from "pg";
import { FeedReader } from "../support/feed-reader.ts";
import type { TestWorld } from "../support/test-world.ts";
import type { TopicRecorder } from "../support/topic-recorder.ts";
import { waitUntil } from "../support/wait-until.ts";
import { fillHistory } from "./fill-history.ts";
import { installOldRelay } from "./install-old-relay.ts";

const NEW_RELAY = fileURLToPath(new URL("./relay-main.ts", import.meta.url));
const TOPIC = "orders.events.v1";
const KEYS = ["a", "b", "c", "d", "e"];
const ROWS_PER_PHASE = 20;
const PAUSE_MS = 30;
const LONG_MS = 3_600_000;

/** What an upgrade showed. */
export type Upgrade = {
  /** What must not be, in words. */
  problems: string[];
  messages: number;
  published: number;
  /** From the start of the new relay until the journal had its new tables. */
  migratedMs: number;
  /** The longest that a row waited to be captured while that was done. */
  longestWaitMs: number;
  /** From the first piece until all of history had its offsets, with a kill in between. */
  numberedMs: number;
};

/**
 * Brings a journal with history from version 0.2.0 to now and back, while an application writes and
 * a reader follows the feed: old and new relays side by side, the new one killed in the middle of
 * the numbering, the old one started again, alone, and again the new one alone.
 *
 * @param history messages that the journal has before
 */
export async function playUpgrade(
  world: TestWorld,
  history: number,
  say: (line: string) => void,
): Promise<Upgrade> {
  const url = await world.createDatabase();
  const project = world.freshProject();
  const recorder = await world.record(project, undefined, [TOPIC]);
  const pool = new pg.Pool({ connectionString: url, max: 8 });
  pool.on("error", () => undefined);
  const old = installOldRelay(world.freshFolder());
  const relays = new Set<ChildProcess>();
  const start = (main: string): ChildProcess => {
    const relay = fork(main, [url, world.pubsub.address, project, TOPIC]);
    relays.add(relay);
    return relay;
  };
  const kill = async (relay: ChildProcess): Promise<void> => {
    relays.delete(relay);
    if (relay.exitCode !== null) throw new Error(`a relay ended by itself: ${relay.exitCode}`);
    const ended = once(relay, "exit");
    relay.kill("SIGKILL");
    await ended;
  };
  try {
    return await new Story(pool, recorder, start, kill, old, say).play(history);
  } finally {
    for (const relay of relays) await kill(relay).catch(() => undefined);
    await pool.end();
  }
}

class Story {
  readonly #pool: pg.Pool;
  readonly #recorder: TopicRecorder;
  readonly #start: (main: string) => ChildProcess;
  readonly #kill: (relay: ChildProcess) => Promise<void>;
  readonly #old: string;
  readonly #say: (line: string) => void;
  #written = 0;
  #isWriting = true;
  #reader: FeedReader | null = null;

  constructor(
    pool: pg.Pool,
    recorder: TopicRecorder,
    start: (main: string) => ChildProcess,
    kill: (relay: ChildProcess) => Promise<void>,
    old: string,
    say: (line: string) => void,
  ) {
    this.#pool = pool;
    this.#recorder = recorder;
    this.#start = start;
    this.#kill = kill;
    this.#old = old;
    this.#say = say;
  }

  async play(history: number): Promise<Upgrade> {
    await this.#pool.query("create schema app");
    await createOutboxTable(this.#pool, { schema: "app", name: "outbox" });
    let old = this.#start(this.#old);
    const writing = this.#write();
    try {
      await this.#published("by the old relay alone");
      await fillHistory(this.#pool, history);
      this.#say(`the journal holds ${history} messages of before`);
      await this.#published("by the old relay alone, again");

      const startedAt = new Date();
      let relay = this.#start(NEW_RELAY);
      await waitUntil("it has migrated", () => this.#isMigrated());
      const migratedMs = Date.now() - startedAt.getTime();
      const reader = await this.#readFeed();
      await this.#published("by both");
      const longestWaitMs = await this.#longestWait(startedAt);
      this.#say(`migrated after ${migratedMs} ms; no row waited longer than ${longestWaitMs} ms`);

      // The old one leads until it ends; the one that follows it is started again beside the new one.
      await this.#kill(old);
      await waitUntil("numbering began", async () => (await this.#numberedTo()) > 0, LONG_MS);
      const beganAt = performance.now();
      old = this.#start(this.#old);
      const isThird = async () => (await this.#numberedTo()) > history / 3;
      await waitUntil("a third is numbered", isThird, LONG_MS);
      await this.#kill(relay);
      await this.#published("by an old relay that was started again, alone");
      relay = this.#start(NEW_RELAY);
      await this.#kill(old);
      await waitUntil("all is numbered", () => this.#isNumbered(), LONG_MS);
      const numberedMs = Math.round(performance.now() - beganAt);
      this.#say(`numbered after ${numberedMs} ms`);

      await this.#published("by the new relay alone");
      old = this.#start(this.#old);
      await this.#kill(relay);
      await this.#published("by the old relay after the way back");
      relay = this.#start(NEW_RELAY);
      await this.#published("by both at the end");
      this.#isWriting = false;
      await writing;
      await this.#published("all", 0);
      await reader.stop();
      const problems = [...reader.problems, ...(await this.#judge(reader))];
      const published = this.#written;
      const messages = reader.entries.length;
      return { problems, messages, published, migratedMs, longestWaitMs, numberedMs };
    } finally {
      this.#isWriting = false;
      await writing;
      await this.#reader?.stop();
    }
  }

  async #write(): Promise<void> {
    while (this.#isWriting) {
      const n = this.#written + 1;
      await this.#pool.query("insert into app.outbox (ordering_key, body) values ($1, $2)", [
        KEYS[n % KEYS.length],
        `row-${n}`,
      ]);
      this.#written = n;
      await setTimeout(PAUSE_MS);
    }
  }

  /** What was written by now, and some more, has come. */
  async #published(how: string, more = ROWS_PER_PHASE): Promise<void> {
    const goal = this.#written + more;
    await waitUntil(`${goal} rows are published ${how}`, () => {
      return this.#recorder.on(TOPIC).length >= goal;
    });
  }

  async #isMigrated(): Promise<boolean> {
    const { rows } = await this.#pool.query("select to_regclass('relay.feed') is not null as is");
    return rows[0].is;
  }

  async #readFeed(): Promise<FeedReader> {
    const { rows } = await this.#pool.query("select id from relay.publication");
    const reader = new FeedReader(this.#pool, rows[0].id, 1_000);
    reader.start();
    this.#reader = reader;
    return reader;
  }

  async #longestWait(since: Date): Promise<number> {
    const { rows } = await this.#pool.query(
      `select coalesce(extract(epoch from max(m.captured_at - o.created_at)) * 1000, 0)::int as ms
       from app.outbox o join relay.message m using (event_id) where o.created_at > $1`,
      [since],
    );
    return rows[0].ms;
  }

  async #numberedTo(): Promise<number> {
    const { rows } = await this.#pool.query("select numbered_to from relay.feed_publication");
    return Number(rows[0].numbered_to);
  }

  async #isNumbered(): Promise<boolean> {
    const { rows } = await this.#pool.query("select from relay.feed_history");
    return rows.length === 0;
  }

  async #judge({ entries }: FeedReader): Promise<string[]> {
    const problems: string[] = [];
    const { rows } = await this.#pool.query(
      `select (select count(*)::int from relay.message) as messages,
              (select count(*)::int from relay.feed) as feed`,
    );
    const [{ messages, feed }] = rows;
    if (feed !== messages || entries.length !== messages)
      problems.push(`${messages} messages, ${feed} in the feed, ${entries.length} read`);
    const last = new Map<string, number>();
    for (const { key, sequence } of entries) {
      if (sequence !== (last.get(key) ?? 0) + 1)
        problems.push(`key ${key}: sequence ${sequence} came after ${last.get(key) ?? 0}`);
      last.set(key, sequence);
    }
    const bodies = this.#recorder.on(TOPIC).map(({ body }) => body);
    if (bodies.length !== this.#written || new Set(bodies).size !== this.#written)
      problems.push(
        `${this.#written} rows were written, ${bodies.length} messages came, ${new Set(bodies).size} of them different`,
      );
    return problems.slice(0, 20);
  }
}
