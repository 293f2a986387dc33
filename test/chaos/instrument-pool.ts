import { setImmediate } from "node:timers/promises";
import type pg from "pg";
import type { ProcessFaults } from "./process-faults.ts";
import { StatementNames } from "./statement-name.ts";

type Query = (text: string, values?: unknown[]) => Promise<pg.QueryResult>;

/** A statement dies within this time after it was sent: executed or not, nobody knows. */
const DURING_MS = 4;

/** Puts a fault point before, during and after every statement that goes through a pool. */
export function instrumentPool(pool: pg.Pool, faults: ProcessFaults): void {
  const seen = new WeakSet<pg.PoolClient>();
  const connect = pool.connect.bind(pool) as (...args: unknown[]) => unknown;
  const instrumented = async (): Promise<pg.PoolClient> => {
    const client = (await connect()) as pg.PoolClient;
    if (!seen.has(client)) instrumentClient(client, faults);
    seen.add(client);
    return client;
  };
  // With a callback it is the pool's own business: a query outside of transactions.
  pool.connect = ((callback?: unknown) =>
    callback === undefined ? instrumented() : connect(callback)) as pg.Pool["connect"];
}

function instrumentClient(client: pg.PoolClient, faults: ProcessFaults): void {
  const names = new StatementNames();
  const query = client.query.bind(client) as Query;
  const faulty: Query = async (text, values) => {
    const name = names.of(text);
    if (name === "capture") faults.leads();
    await faults.reach(`before:${name}`);
    const code = faults.sqlErrorOf(name);
    if (code !== null) throw Object.assign(new Error(`injected SQLSTATE ${code}`), { code });
    if (faults.diesAt(`during:${name}`)) {
      void query(text, values).catch(() => undefined);
      await faults.die(Math.random() * DURING_MS);
    }
    const result = await query(text, values);
    if (faults.losesAcknowledgementOf(name)) await loseConnection(client);
    if (name === "claim") {
      const rows = result.rows as { ordering_key: string }[];
      faults.claimed = new Set(rows.map(({ ordering_key }) => `${values?.[0]}/${ordering_key}`));
    }
    // A claim of nothing is no claim.
    if (name !== "claim" || result.rows.length > 0) await faults.reach(`after:${name}`);
    return result;
  };
  client.query = faulty as unknown as pg.PoolClient["query"];
}

async function loseConnection(client: pg.PoolClient): Promise<never> {
  const { connection } = client as unknown as { connection: { stream: { destroy(): void } } };
  connection.stream.destroy();
  await setImmediate();
  throw Object.assign(new Error("Connection terminated unexpectedly"), { code: "ECONNRESET" });
}
