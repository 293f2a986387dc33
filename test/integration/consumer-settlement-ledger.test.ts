import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import {
  applyOnce,
  inTransaction,
  PermanentFailure,
  type PubsubMessage,
} from "@escrow-stream/consumer";
import { startPubsubServer } from "@escrow-stream/pubsub-emulator";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { applyToLedger } from "../../examples/02-settlement-consumer/apply-to-ledger.ts";
import {
  evolveAccount,
  NEW_ACCOUNT,
} from "../../examples/02-settlement-consumer/evolve-account.ts";
import { createLedgerTables } from "../../examples/02-settlement-consumer/ledger-tables.ts";
import { type ConsumerDatabase, startConsumerDatabase } from "../support/consumer-database.ts";
import { retractionMessage } from "../support/consumer-messages.ts";
import { type History, type Step, tellHistory } from "../support/escrow-history.ts";
import { ONCE, PubsubClients } from "../support/pubsub-clients.ts";

process.env.METADATA_SERVER_DETECTION = "none";

let database: ConsumerDatabase;

beforeAll(async () => {
  database = await startConsumerDatabase();
});

afterAll(() => database.stop());

async function ledger() {
  const { options } = await database.sandbox({ onEarly: "park" });
  await inTransaction(database.pool, (tx) => createLedgerTables(tx, options.schema));
  return {
    schema: options.schema,
    apply: (message: PubsubMessage) =>
      inTransaction(database.pool, (tx) =>
        applyOnce(tx, message, (decoded) => applyToLedger(decoded, tx, options.schema), options),
      ),
  };
}

/** Everything in a ledger that does not depend on when it was written. */
async function readLedger(schema: string) {
  const rows = async (sql: string) => (await database.pool.query(sql)).rows;
  return {
    accounts: await rows(
      `select chain_id, escrow, status, payer, payee, arbiter, amount, release_time,
         approvals_required, approvers, events, last_event_id
       from ${schema}.escrow_ledger order by chain_id, escrow`,
    ),
    entries: await rows(
      `select chain_id, escrow, kind, amount, beneficiary, event_id, message_id, settled_at
       from ${schema}.ledger_entry order by escrow, event_id`,
    ),
    totals: await rows(`select * from ${schema}.ledger_total order by chain_id, kind`),
    messages: await rows(
      `select ordering_key, sequence, message_id, kind, event_id, incarnation, retracted_by
       from ${schema}.applied_message order by ordering_key, position`,
    ),
  };
}

/** The ledger's rows, folded from the facts that stand, without any database. */
function expectedLedger(histories: History[]) {
  const standing = histories.flatMap(({ standing }, i) =>
    standing.map((fact) => ({ ...fact, escrow: `0x${i}` })),
  );
  const accounts = histories.flatMap(({ standing }, i) => {
    const last = standing.at(-1);
    if (last === undefined) return [];
    const account = standing.reduce(evolveAccount, NEW_ACCOUNT);
    return [
      {
        chain_id: "1",
        escrow: `0x${i}`,
        status: account.status,
        payer: account.payer,
        payee: account.payee,
        arbiter: account.arbiter,
        amount: account.amount,
        release_time: account.releaseTime,
        approvals_required: account.approvalsRequired,
        approvers: account.approvers,
        events: standing.length,
        last_event_id: last.eventId,
      },
    ];
  });
  const settlements = standing.filter(({ eventType }) => /Released|Refunded/.test(eventType));
  return { accounts, settledEventIds: settlements.map(({ eventId }) => eventId).sort() };
}

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ type: fc.constant("Approved" as const), by: fc.integer({ min: 1, max: 3 }) }),
  fc.record({
    type: fc.constantFrom("EscrowReleased" as const, "EscrowRefunded", "ArbiterChanged"),
  }),
  fc.record({
    type: fc.constant("reorg" as const),
    depth: fc.integer({ min: 1, max: 6 }),
    returns: fc.boolean(),
  }),
);

/** Histories, and what arrives: every message at least once, in any order. */
const arrivals = fc
  .array(fc.array(step, { maxLength: 8 }), { minLength: 1, maxLength: 3 })
  .map((lives) => lives.map((steps, i) => tellHistory(`1:0x${i}`, steps)))
  .chain((histories) => {
    const all = histories.flatMap(({ messages }) => messages);
    return fc
      .array(fc.constantFrom(...all), { maxLength: 10 })
      .chain((copies) =>
        fc.shuffledSubarray([...all, ...copies], { minLength: all.length + copies.length }),
      )
      .map((arriving) => ({ histories, all, arriving }));
  });

describe("The settlement ledger", () => {
  test("is the same for any order and duplication of arrivals, and is the fold of what stands", async () => {
    await fc.assert(
      fc.asyncProperty(arrivals, async ({ histories, all, arriving }) => {
        const [ordered, shuffled] = [await ledger(), await ledger()];
        for (const message of all) await ordered.apply(message);
        for (const message of arriving) await shuffled.apply(message);
        const result = await readLedger(shuffled.schema);
        expect(result).toEqual(await readLedger(ordered.schema));
        const expected = expectedLedger(histories);
        expect(result.accounts).toEqual(expected.accounts);
        expect(result.entries.map(({ event_id }) => event_id)).toEqual(expected.settledEventIds);
        await database.pool.query(
          `drop schema ${ordered.schema} cascade; drop schema ${shuffled.schema} cascade`,
        );
      }),
      { numRuns: 40 },
    );
  });

  test("takes a release back when it is retracted, and books it again when it returns", async () => {
    const { apply, schema } = await ledger();
    const { messages } = tellHistory("1:0x0", [
      { type: "Approved", by: 1 },
      { type: "EscrowReleased" },
      { type: "reorg", depth: 2, returns: true },
    ]);
    const at = async () => {
      const { accounts, totals } = await readLedger(schema);
      return [accounts[0]?.status, accounts[0]?.approvers.length, totals.length];
    };
    const states: unknown[] = [];
    for (const message of messages) {
      await apply(message);
      states.push(await at());
    }
    expect(states).toEqual([
      ["created", 0, 0],
      ["approved", 1, 0],
      ["released", 1, 1],
      ["released", 0, 1],
      ["created", 0, 0],
      ["approved", 1, 0],
      ["released", 1, 1],
    ]);
    const applied = (await readLedger(schema)).messages;
    expect(applied.slice(-2)).toMatchObject([
      { message_id: "1:0x0-2-0#2", event_id: "1:0x0-2-0", incarnation: 2, retracted_by: null },
      { message_id: "1:0x0-3-0#2", event_id: "1:0x0-3-0", incarnation: 2, retracted_by: null },
    ]);
  });

  test("forgets an escrow whose creation is retracted", async () => {
    const { apply, schema } = await ledger();
    const { messages } = tellHistory("1:0x0", [{ type: "reorg", depth: 1, returns: false }]);
    for (const message of messages) await apply(message);
    expect(await readLedger(schema)).toMatchObject({ accounts: [], entries: [] });
  });

  test("refuses a retraction of what does not stand", async () => {
    const { apply } = await ledger();
    const unfounded = retractionMessage({ key: "1:0x0", sequence: 1, retracts: "nothing" });
    await expect(apply(unfounded)).rejects.toBeInstanceOf(PermanentFailure);
  });
});

describe("The settlement consumer's process", () => {
  let child: ChildProcess | undefined;
  afterAll(() => child?.kill("SIGKILL"));

  test("subscribes, keeps the ledger, prints its stats and ends with 0 on SIGTERM", async () => {
    const server = await startPubsubServer();
    const clients = new PubsubClients(server.address);
    const topic = await clients.createTopic({}, "chain.events.v1");
    child = spawn(process.execPath, ["examples/02-settlement-consumer/main.ts"], {
      stdio: ["ignore", "pipe", "inherit"],
      env: {
        ...process.env,
        DATABASE_URL: database.url,
        PUBSUB_PROJECT_ID: "p1",
        PUBSUB_EMULATOR_HOST: server.address,
        SUBSCRIPTION: "ledger",
        TOPIC: "chain.events.v1",
        FINALITY: "provisional",
        CREATE_SUBSCRIPTION: "true",
        SCHEMA: "my_ledger",
        STATS_INTERVAL_MS: "100",
      },
    });
    const exit = once(child, "exit");
    let output = "";
    child.stdout?.on("data", (chunk) => {
      output += chunk;
    });
    await vi.waitFor(() => expect(output).toContain('"stats"'), { timeout: 20_000 });
    const history = tellHistory("1:0x0", [{ type: "Approved", by: 1 }, { type: "EscrowReleased" }]);
    for (const { data, attributes, orderingKey = "" } of [...history.messages, ...history.messages])
      await clients.publisher.publish(
        { topic, messages: [{ data, attributes: { ...attributes }, orderingKey }] },
        ONCE,
      );
    await vi.waitFor(() => expect(output).toContain('"applied":3,"duplicates":3'), {
      timeout: 20_000,
    });
    child.kill("SIGTERM");
    expect(await exit).toEqual([0, null]);
    const lines = output.trim().split("\n");
    expect(JSON.parse(lines.at(-1) as string).stats).toMatchObject({ applied: 3, inFlight: 0 });
    expect((await readLedger("my_ledger")).accounts).toEqual(expectedLedger([history]).accounts);
    const [twiceOrDisordered, standing] = queriesOfReadme("my_ledger");
    expect((await database.pool.query(twiceOrDisordered)).rows).toEqual([]);
    expect((await database.pool.query(standing)).rows).toHaveLength(3);
    await clients.close();
    await server.stop();
  });
});

/** What the example's page says to check the ledger with. */
function queriesOfReadme(schema: string): [string, string] {
  const page = readFileSync("examples/02-settlement-consumer/README.md", "utf8");
  const block = /```sql\n(.*?)```/s.exec(page)?.[1] ?? "";
  const [first = "", second = ""] = block.replaceAll("settlement_ledger", schema).split(";");
  return [first, second];
}
