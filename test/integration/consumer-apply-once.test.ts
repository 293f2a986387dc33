import {
  applyOnce,
  DifferentBytes,
  type Effect,
  inTransaction,
  isTransient,
  MalformedMessage,
  migrate,
  type PubsubMessage,
} from "@escrow-stream/consumer";
import { kyselyQueryable } from "@escrow-stream/consumer/kysely";
import { Kysely, PostgresDialect, sql } from "kysely";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import {
  type ConsumerDatabase,
  type Sandbox,
  startConsumerDatabase,
} from "../support/consumer-database.ts";
import { barrierMessage, eventMessage } from "../support/consumer-messages.ts";

let database: ConsumerDatabase;

beforeAll(async () => {
  database = await startConsumerDatabase();
});

afterAll(() => database.stop());

const note =
  ({ options }: Sandbox): Effect =>
  async (message, tx) => {
    await tx.query(`insert into ${options.schema}.effect (message_id) values ($1)`, [
      message.messageId,
    ]);
  };

function apply(sandbox: Sandbox, message: PubsubMessage, effect = note(sandbox)) {
  return inTransaction(database.pool, (tx) => applyOnce(tx, message, effect, sandbox.options));
}

const first = eventMessage({ sequence: 1, eventId: "a" });
const second = eventMessage({ sequence: 2, eventId: "b" });
const third = eventMessage({ sequence: 3, eventId: "c" });

describe("applyOnce", () => {
  test("runs the effect once per message, however often and however late copies come [G-14]", async () => {
    const sandbox = await database.sandbox();
    const outcomes: string[] = [];
    for (const message of [first, first, second, third, first, second, third])
      outcomes.push((await apply(sandbox, message)).outcome);
    expect(outcomes).toEqual([
      ...["applied", "duplicate", "applied", "applied"],
      ...["duplicate", "duplicate", "duplicate"],
    ]);
    expect(await sandbox.applied()).toEqual(["a", "b", "c"]);
  });

  test("holds back a message whose predecessor is missing", async () => {
    const sandbox = await database.sandbox();
    expect(await apply(sandbox, second)).toEqual({ outcome: "early", drained: 0 });
    await apply(sandbox, first);
    expect((await apply(sandbox, third)).outcome).toBe("early");
    expect((await apply(sandbox, second)).outcome).toBe("applied");
    expect(await sandbox.applied()).toEqual(["a", "b"]);
  });

  test("parks early messages and applies them in order when the gap is filled", async () => {
    const sandbox = await database.sandbox({ onEarly: "park" });
    const many = Array.from({ length: 250 }, (_, i) => eventMessage({ sequence: i + 1 }));
    for (const message of many.slice(1).reverse())
      expect((await apply(sandbox, message)).outcome).toBe("parked");
    expect((await apply(sandbox, many[1] as PubsubMessage)).outcome).toBe("parked");
    expect(await apply(sandbox, many[0] as PubsubMessage)).toEqual({
      outcome: "applied",
      drained: 249,
    });
    expect(await sandbox.applied()).toEqual(many.map(({ attributes }) => attributes.event_id));
    const { rows } = await database.pool.query(
      `select sequence, parked, (select count(*) from ${sandbox.options.schema}.parked_message) as stored
       from ${sandbox.options.schema}.high_water_mark`,
    );
    expect(rows).toEqual([{ sequence: "250", parked: "0", stored: "0" }]);
  });

  test("keeps a parked message as it came, byte for byte", async () => {
    const sandbox = await database.sandbox({ onEarly: "park" });
    const raw: PubsubMessage[] = [];
    await apply(sandbox, second);
    await apply(sandbox, first, (message) => {
      raw.push(message.raw);
    });
    expect(raw.map((each) => ({ ...each, data: Buffer.from(each.data) }))).toEqual([first, second]);
  });

  test("has nothing happen when the effect throws", async () => {
    const sandbox = await database.sandbox();
    const failing: Effect = async (message, tx) => {
      await note(sandbox)(message, tx);
      throw new Error("no");
    };
    await expect(apply(sandbox, first, failing)).rejects.toThrow("no");
    expect(await sandbox.applied()).toEqual([]);
    expect((await apply(sandbox, first)).outcome).toBe("applied");
    expect(await sandbox.applied()).toEqual(["a"]);
  });

  test("applies once when the connection dies between the effect and the commit [G-14]", async () => {
    const sandbox = await database.sandbox();
    const crashing: Effect = async (message, tx) => {
      await note(sandbox)(message, tx);
      const { rows } = await tx.query("select pg_backend_pid() as pid");
      const [{ pid }] = rows as [{ pid: number }];
      await database.pool.query("select pg_terminate_backend($1, 5000)", [pid]);
    };
    await expect(apply(sandbox, first, crashing)).rejects.toThrow();
    expect(await sandbox.applied()).toEqual([]);
    expect((await apply(sandbox, first)).outcome).toBe("applied");
    expect((await apply(sandbox, first)).outcome).toBe("duplicate");
    expect(await sandbox.applied()).toEqual(["a"]);
  });

  test("goes on elsewhere when a consumer is paused between the effect and the commit", async () => {
    const sandbox = await database.sandbox();
    let wake = () => {};
    const asleep = new Promise<void>((resolve) => {
      wake = resolve;
    });
    const drowsy: Effect = async (message, tx) => {
      await note(sandbox)(message, tx);
      await asleep;
    };
    const paused = inTransaction(
      database.pool,
      (tx) => applyOnce(tx, first, drowsy, sandbox.options),
      200,
    );
    const failed = expect(paused).rejects.toSatisfy(isTransient);
    const other = await vi.waitFor(() => apply(sandbox, first), { timeout: 20_000 }).finally(wake);
    expect(other.outcome).toBe("applied");
    await failed;
    expect(await sandbox.applied()).toEqual(["a"]);
  });

  test.each([
    ["the very first message of a key", first, []],
    ["a later message", second, [first]],
  ])("lets two consumers with %s wait for each other", async (_what, message, before) => {
    const sandbox = await database.sandbox();
    for (const earlier of before) await apply(sandbox, earlier);
    let letGo = () => {};
    const gate = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    let inside = 0;
    const slow: Effect = async (decoded, tx) => {
      inside += 1;
      await gate;
      await note(sandbox)(decoded, tx);
    };
    const both = [apply(sandbox, message, slow), apply(sandbox, message, slow)];
    const waiting = vi.waitFor(
      async () => {
        const { rows } = await database.pool.query(
          "select 1 from pg_stat_activity where wait_event_type = 'Lock' and query like $1",
          [`%${sandbox.options.schema}%`],
        );
        expect(rows).toHaveLength(1);
      },
      { timeout: 20_000 },
    );
    await waiting.finally(letGo);
    const outcomes = (await Promise.all(both)).map(({ outcome }) => outcome);
    expect(outcomes.sort()).toEqual(["applied", "duplicate"]);
    expect(inside).toBe(1);
  });

  test("applies once under twenty consumers that race for the same messages [G-14]", async () => {
    const sandbox = await database.sandbox({ onEarly: "park" });
    const messages = Array.from({ length: 10 }, (_, i) => eventMessage({ sequence: i + 1 }));
    await Promise.all(
      [...messages, ...messages.toReversed()].map((message) => apply(sandbox, message)),
    );
    expect(await sandbox.applied()).toEqual(messages.map(({ attributes }) => attributes.event_id));
  });

  test("keeps keys, publications and consumers apart", async () => {
    const sandbox = await database.sandbox();
    const settlement = "settlement.events.v1";
    const others: [PubsubMessage, Partial<Sandbox["options"]>][] = [
      [first, {}],
      [eventMessage({ key: "1:0xb", sequence: 1 }), {}],
      [
        eventMessage({ sequence: 1, publication: settlement }),
        { publication: { topic: settlement, finality: "provisional" } },
      ],
      [first, { name: "another" }],
    ];
    for (const [message, options] of others) {
      const other = { ...sandbox, options: { ...sandbox.options, ...options } };
      expect((await apply(other, message)).outcome).toBe("applied");
    }
    expect(await sandbox.applied()).toHaveLength(4);
  });

  test("refuses a copy with different bytes, both of the last message and of a parked one", async () => {
    const sandbox = await database.sandbox({ onEarly: "park" });
    await apply(sandbox, first);
    await apply(sandbox, third);
    const rivals = [
      eventMessage({ sequence: 1, eventId: "z" }),
      eventMessage({ sequence: 1, eventId: "a", fields: { amount: "2" } }),
      eventMessage({ sequence: 1, eventId: "a", attributes: { "ce-time": "1970-01-01" } }),
      eventMessage({ sequence: 3, eventId: "z" }),
    ];
    for (const rival of rivals)
      await expect(apply(sandbox, rival)).rejects.toBeInstanceOf(DifferentBytes);
    await apply(sandbox, second);
    expect(await sandbox.applied()).toEqual(["a", "b", "c"]);
  });

  test("begins a key at sequence 1, or at the first message seen when asked to", async () => {
    const strict = await database.sandbox();
    expect((await apply(strict, third)).outcome).toBe("early");
    const late = await database.sandbox({ startAt: "first-seen" });
    expect((await apply(late, third)).outcome).toBe("applied");
    expect((await apply(late, second)).outcome).toBe("duplicate");
    expect((await apply(late, eventMessage({ sequence: 5 }))).outcome).toBe("early");
  });

  test("lets barriers pass and leaves no trace of them", async () => {
    const sandbox = await database.sandbox();
    expect((await apply(sandbox, barrierMessage())).outcome).toBe("barrier");
    const { rows } = await database.pool.query(
      `select 1 from ${sandbox.options.schema}.high_water_mark`,
    );
    expect(rows).toEqual([]);
  });

  test("gives a message whose body cannot be read no place", async () => {
    const sandbox = await database.sandbox({ onEarly: "park" });
    const broken = { ...second, data: Buffer.from("{") };
    await expect(apply(sandbox, broken)).rejects.toBeInstanceOf(MalformedMessage);
    for (const message of [first, second]) await apply(sandbox, message);
    expect(await sandbox.applied()).toEqual(["a", "b"]);
  });

  test("works in a transaction of Kysely", async () => {
    const sandbox = await database.sandbox();
    const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool: database.pool }) });
    const applyInKysely = (fail: boolean) =>
      db.transaction().execute((transaction) =>
        applyOnce(
          kyselyQueryable(transaction),
          first,
          async ({ messageId }) => {
            await sql`insert into ${sql.table(`${sandbox.options.schema}.effect`)} (message_id) values (${messageId})`.execute(
              transaction,
            );
            if (fail) throw new Error("no");
          },
          sandbox.options,
        ),
      );
    await expect(applyInKysely(true)).rejects.toThrow("no");
    expect((await applyInKysely(false)).outcome).toBe("applied");
    expect((await applyInKysely(false)).outcome).toBe("duplicate");
    expect(await sandbox.applied()).toEqual(["a"]);
  });
});

describe("migrate", () => {
  test("may run in several processes at once, and again, and refuses a newer schema", async () => {
    const options = { schema: "migrated" };
    const run = () => inTransaction(database.pool, (tx) => migrate(tx, options));
    await Promise.all([run(), run(), run()]);
    await run();
    await database.pool.query("insert into migrated.migration values (99)");
    await expect(run()).rejects.toThrow("newer than this consumer library");
    await expect(
      inTransaction(database.pool, (tx) => migrate(tx, { schema: 'x"; drop' })),
    ).rejects.toThrow("not a lower-case name");
  });
});
