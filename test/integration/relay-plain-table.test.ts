import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { createOutboxTable, plainTable, runRelay } from "@escrow-stream/relay";
import { Kysely, PostgresDialect } from "kysely";
import pg from "pg";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { silent } from "../support/relay-world.ts";
import { TestWorld } from "../support/test-world.ts";
import type { Received, TopicRecorder } from "../support/topic-recorder.ts";
import { waitUntil } from "../support/wait-until.ts";

const MAIN = fileURLToPath(new URL("../support/plain-relay-main.ts", import.meta.url));
const TABLE = { schema: "app", name: "outbox" };
const TOPIC = "orders.events.v1";
const KEYS = ["a", "b", "c", "d", "e"];
const WRITERS = 8;
const KILLS = 5;
/** Rows that a relay has captured, while others are written, before it is killed. */
const ROWS_PER_LIFE = 60;

let world: TestWorld;
let url: string;
let project: string;
let pool: pg.Pool;
let db: Kysely<unknown>;
let recorder: TopicRecorder;
let relay: ChildProcess | null = null;
/** Clients whose transaction did not end, as after a failed test. */
const open: pg.PoolClient[] = [];

beforeAll(async () => {
  world = await TestWorld.create();
});
afterAll(() => world.end());

beforeEach(async () => {
  url = await world.createDatabase();
  project = world.freshProject();
  pool = new pg.Pool({ connectionString: url, max: WRITERS + 4 });
  pool.on("error", () => undefined);
  db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) });
  await pool.query("create schema app");
  await createOutboxTable(pool, TABLE);
  recorder = await world.record(project, undefined, [TOPIC]);
});
afterEach(async () => {
  await kill();
  for (const client of open.splice(0)) client.release(true);
  await db.destroy();
  await world.endTest();
});

function start(): void {
  relay = fork(MAIN, [url, world.pubsub.address, project, TOPIC]);
}

async function kill(): Promise<void> {
  if (relay === null) return;
  const ended = once(relay, "exit");
  relay.kill("SIGKILL");
  await ended;
  relay = null;
}

const INSERT = "insert into app.outbox (ordering_key, body) values ($1, $2) returning id::int";

/** Inserts a row in a transaction that stays open. */
async function begin(key: string, body: string) {
  const client = await pool.connect();
  client.on("error", () => undefined);
  open.push(client);
  await client.query("begin");
  await client.query(INSERT, [key, body]);
  const end = async (how: "commit" | "rollback"): Promise<void> => {
    await client.query(how);
    open.splice(open.indexOf(client), 1);
    client.release();
  };
  return { commit: () => end("commit"), rollback: () => end("rollback") };
}

/** Rows in the journal, which the first relay makes. */
async function countCaptured(): Promise<number> {
  const made = await pool.query("select to_regclass('relay.message') is not null as is_made");
  if (!made.rows[0].is_made) return 0;
  const { rows } = await pool.query("select count(*)::int as n from relay.message");
  return rows[0].n;
}

async function bodiesCame(count: number): Promise<string[]> {
  return await waitUntil(`${count} messages came`, () => {
    const bodies = recorder.on(TOPIC).map(({ body }) => body);
    return bodies.length >= count ? bodies : undefined;
  });
}

/** Every row once; in each key in the order of the ids, without a gap. */
function expectEachOnceInOrder(received: Received[], ids: Map<string, number>): void {
  expect(received.map(({ body }) => body).sort()).toEqual([...ids.keys()].sort());
  for (const key of new Set(received.map(({ orderingKey }) => orderingKey))) {
    const own = received.filter(({ orderingKey }) => orderingKey === key);
    const ofKey = own.map(({ body }) => ids.get(body) ?? 0);
    expect(ofKey).toEqual([...ofKey].sort((one, other) => one - other));
    expect(own.map(({ attributes }) => attributes.sequence)).toEqual(
      own.map((_, at) => String(at + 1)),
    );
  }
}

/** Transactions of one to three rows that commit late, or not at all. @returns ids by body */
async function writeOutOfOrder(isOver: () => boolean): Promise<Map<string, number>> {
  const ids = new Map<string, number>();
  const write = async (client: pg.PoolClient, writer: number, n: number): Promise<void> => {
    await client.query("begin");
    const own = new Map<string, number>();
    for (let row = 0; row <= (writer + n) % 3; row++) {
      const body = `${writer}-${n}-${row}`;
      const key = KEYS[(writer * 7 + n * 3 + row) % KEYS.length];
      const { rows } = await client.query<{ id: number }>(INSERT, [key, body]);
      own.set(body, rows[0]?.id ?? 0);
    }
    await setTimeout((writer * 31 + n * 17) % 60);
    const isKept = (writer + n) % 7 !== 0;
    await client.query(isKept ? "commit" : "rollback");
    if (isKept) for (const [body, id] of own) ids.set(body, id);
  };
  await Promise.all(
    Array.from({ length: WRITERS }, async (_, writer) => {
      const client = await pool.connect();
      for (let n = 0; !isOver(); n++) await write(client, writer, n);
      client.release();
    }),
  );
  return ids;
}

describe("the rows of a plain table", () => {
  test("are each published once, per key in order, while writers commit late and the relay is killed again and again [G-21]", async () => {
    let isOver = false;
    const writing = writeOutOfOrder(() => isOver);
    for (let kills = 0; kills < KILLS; kills++) {
      start();
      const before = await countCaptured();
      await waitUntil("it has captured some", async () => {
        return (await countCaptured()) >= before + ROWS_PER_LIFE;
      });
      await kill();
    }
    isOver = true;
    const ids = await writing;
    start();
    await bodiesCame(ids.size);
    expectEachOnceInOrder(recorder.on(TOPIC), ids);
  });

  test("wait for one with a smaller id that is not committed yet, and for none with a greater one [G-21]", async () => {
    const first = await begin("a", "first");
    const dropped = await begin("a", "dropped");
    await pool.query(INSERT, ["a", "second"]);
    const later = await begin("a", "fourth");
    await pool.query(INSERT, ["b", "third"]);
    const source = plainTable(TABLE);
    const complete = async () => (await source.readLines(db))[0]?.final;
    expect(await complete()).toBe("");
    await first.commit();
    expect(await complete()).toBe("");
    await dropped.rollback();
    // Who wrote when it was first looked at: the two, and the one that is still open.
    expect(await complete()).toBe("");
    await later.commit();
    expect(await complete()).toBe("0000000000000000005");
    start();
    expect(await bodiesCame(4)).toHaveLength(4);
    const after = await begin("a", "fifth");
    expect(await complete()).toBe("0000000000000000005");
    await after.commit();
    await bodiesCame(5);
    const ofKeyA = recorder.on(TOPIC).filter(({ orderingKey }) => orderingKey === "a");
    expect(ofKeyA.map(({ body }) => body)).toEqual(["first", "second", "fourth", "fifth"]);
  });

  test("may be deleted once they were captured: nothing is published again, and later ones are", async () => {
    start();
    await pool.query(INSERT, ["a", "1"]);
    await pool.query(INSERT, ["b", "2"]);
    await bodiesCame(2);
    await pool.query("delete from app.outbox");
    await pool.query(INSERT, ["a", "3"]);
    await bodiesCame(3);
    await pool.query("delete from app.outbox");
    await kill();
    start();
    await pool.query(INSERT, ["a", "4"]);
    const bodies = await bodiesCame(4);
    expect([...bodies].sort()).toEqual(["1", "2", "3", "4"]);
    const { rows } = await pool.query("select halted_reason from relay.publication");
    expect(rows).toEqual([{ halted_reason: null }]);
  });

  test("are published when their ids begin again in a table that was truncated", async () => {
    start();
    for (const body of ["1", "2", "3"]) await pool.query(INSERT, ["a", body]);
    await bodiesCame(3);
    await pool.query("truncate app.outbox restart identity");
    await pool.query(INSERT, ["a", "4"]);
    expect(await bodiesCame(4)).toEqual(["1", "2", "3", "4"]);
  });

  test("are waited for while there is no table", async () => {
    await pool.query("drop table app.outbox");
    start();
    await waitUntil("the relay is there", async () => {
      const { rows } = await pool.query("select to_regclass('relay.lease') is not null as is");
      return rows[0].is;
    });
    await createOutboxTable(pool, TABLE);
    await pool.query(INSERT, ["a", "1"]);
    expect(await bodiesCame(1)).toEqual(["1"]);
  });

  test("carry the attributes that the application gave, and those of their place", async () => {
    start();
    await pool.query(
      `insert into app.outbox (event_id, ordering_key, body, attributes)
       values ('order-7', 'a', '{"order":7}', '{"type": "OrderPlaced"}')`,
    );
    await bodiesCame(1);
    expect(recorder.on(TOPIC)).toEqual([
      {
        orderingKey: "a",
        body: '{"order":7}',
        attributes: {
          event_id: "order-7",
          type: "OrderPlaced",
          sequence: "1",
          publication: TOPIC,
          finality: "final",
        },
      },
    ]);
  });
});

test("a publication of a plain table that is not final is refused: nothing of it could be retracted", async () => {
  const running = runRelay({
    config: {
      databaseUrl: url,
      pubsub: { projectId: project, emulatorHost: world.pubsub.address },
      publications: [{ topic: TOPIC, finality: "latest" }],
    },
    source: plainTable(TABLE),
    log: silent,
    signal: new AbortController().signal,
  });
  await expect(running).rejects.toThrow('its finality has to be "finalized"');
});

test.each([
  ["attributes that are not strings", `('a', '{}', '{"n": 1}')`, "attributes"],
  ["attributes that are no object", `('a', '{}', '["a"]')`, "attributes"],
  ["no ordering key", `('', '{}', '{}')`, "ordering_key"],
])("the table refuses a row with %s", async (_, row, column) => {
  const statement = `insert into app.outbox (ordering_key, body, attributes) values ${row}`;
  await expect(pool.query(statement)).rejects.toThrow(column);
});
