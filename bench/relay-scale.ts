import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import pg from "pg";
import { startPostgres } from "../local/postgres/start-postgres.ts";

/*
 * `node bench/relay-scale.ts [--messages n] [--keys n] [--rounds n]`: how fast one and two relays
 * move the same backlog, in turn (A B A B), through a Pub/Sub whose requests take no time, and
 * through one whose requests take as long as over a network. Every run is checked before its time
 * counts: each message published once, nothing in doubt. Prints a table; the ratio is what counts.
 */

const option = (name: string, otherwise: number): number => {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? otherwise : Number(process.argv[at + 1]);
};
const MESSAGES = option("messages", 20_000);
const KEYS = option("keys", 10_000);
const ROUNDS = option("rounds", 2);
const LATENCIES_MS = [0, 50];
const TOPIC = "bench";
const BODY = "x".repeat(700);

const folder = mkdtempSync(join(tmpdir(), "escrow-stream-bench-"));
chmodSync(folder, 0o711);
const postgres = await startPostgres({ dataDir: join(folder, "pg"), durable: false });
const children = new Set<ChildProcess>();
let databases = 0;

try {
  console.log(
    `${MESSAGES} messages of ${BODY.length} bytes over ${KEYS} keys, ${cpus().length} cores, Node ${process.version}`,
  );
  for (const latencyMs of LATENCIES_MS) {
    const seconds: Record<1 | 2, number[]> = { 1: [], 2: [] };
    for (let round = 0; round < ROUNDS; round++)
      for (const relays of [1, 2] as const) seconds[relays].push(await run(relays, latencyMs));
    const [one, two] = [median(seconds[1]), median(seconds[2])];
    console.log(
      `request latency ${latencyMs} ms: one relay ${rate(one)}/s, two relays ${rate(two)}/s, ratio ${(one / two).toFixed(2)}`,
    );
  }
} finally {
  for (const child of children) child.kill("SIGKILL");
  await postgres.stop();
  rmSync(folder, { recursive: true, force: true });
}

/** Seconds that this many relays take to publish the backlog, from when all of them are at work. */
async function run(relays: number, latencyMs: number): Promise<number> {
  const url = await makeBacklog();
  const pubsub = fork(join(import.meta.dirname, "pubsub-process.ts"), {
    env: { ...process.env, LATENCY_MS: String(latencyMs) },
  });
  children.add(pubsub);
  const [{ host }] = (await once(pubsub, "message")) as [{ host: string }];
  const pool = new pg.Pool({ connectionString: url });
  const env = {
    ...process.env,
    DATABASE_URL: url,
    PUBSUB_PROJECT_ID: "bench",
    PUBSUB_EMULATOR_HOST: host,
    PUBSUB_CREATE: "true",
    PUBLICATIONS: `${TOPIC}=latest`,
    RELAY_LEASE_MS: "2000",
    LOG_LEVEL: "error",
  };
  const started = Array.from({ length: relays }, () => {
    const relay = fork(join(import.meta.dirname, "../cli/relay.ts"), { env, stdio: "inherit" });
    children.add(relay);
    return relay;
  });
  await until(async () => {
    const { rows } = await pool.query(
      "select count(distinct owner)::int as owners from relay.lease",
    );
    return rows[0].owners === relays;
  });
  await pool.query("update escrow._ponder_checkpoint set latest_checkpoint = repeat('9', 75)");
  await pool.query("insert into escrow.outbox select * from escrow.backlog");
  const startedMs = performance.now();
  await until(async () => {
    const { rows } = await pool.query(
      `select coalesce(sum(published_sequence), 0)::int as published,
              coalesce(bool_or(published_sequence < in_doubt_sequence), true) as is_in_doubt
       from relay.ordering_key`,
    );
    return rows[0].published === MESSAGES && !rows[0].is_in_doubt;
  });
  const seconds = (performance.now() - startedMs) / 1000;
  for (const child of [...started, pubsub]) {
    child.kill(child === pubsub ? "SIGKILL" : "SIGTERM");
    await once(child, "exit");
    children.delete(child);
  }
  await pool.end();
  return seconds;
}

/** A database with the backlog beside the outbox, to be put into it at once. */
async function makeBacklog(): Promise<string> {
  const name = `bench_${++databases}`;
  const admin = new pg.Client({ connectionString: postgres.url });
  await admin.connect();
  await admin.query(`create database ${name}`);
  await admin.end();
  const url = postgres.url.replace(/[^/]+$/, name);
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(`
    create schema escrow;
    create table escrow.outbox (
      chain_id bigint, position text, event_id text, block_number bigint, block_hash text,
      ordering_key text, body text, attributes text, primary key (chain_id, position));
    create table escrow._ponder_checkpoint (
      chain_name text primary key, chain_id bigint, safe_checkpoint varchar(75),
      latest_checkpoint varchar(75), finalized_checkpoint varchar(75));
    create table escrow._ponder_meta (key text primary key, value jsonb);
    insert into escrow._ponder_meta values ('app', '{"build_id": "bench"}');
    insert into escrow._ponder_checkpoint values
      ('one', 1, repeat('0', 75), repeat('0', 75), repeat('0', 75));
    create table escrow.backlog as
      select 1::bigint as chain_id, lpad(n::text, 75, '0') as position, 'event-' || n as event_id,
             n::bigint as block_number, '0x' || n as block_hash, '1:key-' || (n % ${KEYS}) as key,
             '${BODY}'::text as body, jsonb_build_object('event_id', 'event-' || n)::text as attributes
      from generate_series(1, ${MESSAGES}) n;`);
  await client.end();
  return url;
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition().catch(() => false))) await setTimeout(50);
}

function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

function rate(seconds: number): number {
  return Math.round(MESSAGES / seconds);
}
