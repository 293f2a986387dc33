import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import type pg from "pg";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { FrozenDatabase } from "../../db/frozen-database.ts";
import { findDeployment } from "../../engine/deployment/find-deployment.ts";
import { ensureReadableProgress } from "../../engine/ensure-progress-view.ts";
import { exportEvents } from "../../proof/archive/export-events.ts";
import type { ExportHeader } from "../../proof/archive/export-format.ts";
import { exportRanges, type WantedRange } from "../../proof/archive/export-range.ts";
import { importEvents } from "../../proof/archive/import-events.ts";
import { writeFile } from "../../proof/archive/write-file.ts";
import { Findings } from "../../proof/verify/findings.ts";
import { verifyStore } from "../../proof/verify/verify-store.ts";
import { manyDeals } from "../support/many-deals.ts";
import { RelayWorld } from "../support/relay-world.ts";
import { ServiceProcess } from "../support/service-process.ts";
import { StandInDeployment } from "../support/stand-in-deployment.ts";
import { waitUntil } from "../support/wait-until.ts";

type Json = Record<string, unknown>;

const TABLES = [
  "event",
  "outbox",
  "escrow",
  "approval",
  "settlement",
  "party",
  "settlement_minute",
  "chain_stat",
];
const EVERYTHING: WantedRange = { chains: [], fromBlock: null, toBlock: null, onlyFinal: false };
const folder = mkdtempSync(join(tmpdir(), "escrow-stream-export-"));
const world = new RelayWorld();
let source: { url: string; pool: pg.Pool };
let target: { url: string; pool: pg.Pool };
/** The text of an export of the whole source, and of a shorter one. */
let whole: string;
let short: string;

beforeAll(async () => {
  await world.start();
  source = await world.database();
  const deployment = await StandInDeployment.create(source.pool);
  // More than a page of the export, and more than some batches of the import.
  const events = [...manyDeals(41_021, 1_000), ...manyDeals(41_022, 400, 500)];
  events.sort((one, other) => (one.position < other.position ? -1 : 1));
  await deployment.holds(events, [
    { chainId: 41_021, latest: 1_100, finalized: 600 },
    { chainId: 41_022, latest: 1_000, finalized: 0 },
  ]);
  whole = await exportText(source.url);
  short = await exportText(source.url, { ...EVERYTHING, chains: ["41021"], toBlock: 400 });
});
beforeEach(async () => {
  target = await world.database();
});
afterAll(async () => {
  await world.stop();
  rmSync(folder, { recursive: true, force: true });
});

describe("An export", () => {
  test("holds every event once, in chain order, between a header and a trailer", async () => {
    const lines = linesOf(whole);
    const { rows } = await source.pool.query("select id from escrow.event order by position");
    expect(rows.length).toBeGreaterThan(5_000);
    expect(lines.slice(1, -1).map(({ id }) => id)).toEqual(rows.map(({ id }) => id));
    expect(lines[0]).toMatchObject({
      format: "escrow-stream/events",
      format_version: 2,
      deployment: { schema: "escrow_standin", build_id: "build-1" },
      schema_versions: { Approved: 1, EscrowCreated: 1 },
      chains: [
        { chain_id: 41_021, name: "chain-41021", from_block: 0, to_block: 1_100, final_block: 600 },
        { chain_id: 41_022, name: "chain-41022", from_block: 0, to_block: 1_000, final_block: 0 },
      ],
    });
    expect(lines.at(-1)).toMatchObject({ trailer: "escrow-stream/events", events: rows.length });
  });

  test("of a chain and of blocks holds what is in them, both ends included", async () => {
    const wanted = { ...EVERYTHING, chains: ["chain-41022"], fromBlock: 600, toBlock: 700 };
    const [header, ...rest] = linesOf(await exportText(source.url, wanted));
    expect(header).toMatchObject({
      chains: [{ chain_id: 41_022, from_block: 600, to_block: 700, final_block: 0 }],
    });
    const { rows } = await source.pool.query(
      `select id from escrow.event where chain_id = 41022 and block_number between 600 and 700
       order by position`,
    );
    expect(rest.slice(0, -1).map(({ id }) => id)).toEqual(rows.map(({ id }) => id));
    const numbers = new Set(rest.slice(0, -1).map((each) => each.block_number));
    expect([numbers.has(600), numbers.has(700)]).toEqual([true, true]);
  });

  test("of what is final ends with the last final block of each chain", async () => {
    const lines = linesOf(await exportText(source.url, { ...EVERYTHING, onlyFinal: true }));
    expect(lines[0]).toMatchObject({ chains: [{ to_block: 600 }, { to_block: 0 }] });
    const blocks = lines.slice(1, -1).map((each) => Number(each.block_number));
    expect(Math.max(...blocks)).toBe(600);
    expect(new Set(lines.slice(1, -1).map((each) => each.chain_id))).toEqual(new Set([41_021]));
  });

  test.each<[string, Partial<WantedRange>, string]>([
    [
      "a chain that is not followed",
      { chains: ["5"] },
      '"5" is not followed here (followed: 41021',
    ],
    ["a block above the indexed head", { chains: ["41021"], toBlock: 1_101 }, "is block 1100"],
    [
      "a block that is not final",
      { chains: ["41021"], toBlock: 601, onlyFinal: true },
      "is not final: the last one that is, is block 600",
    ],
    [
      "a range that ends before it begins",
      { chains: ["41021"], fromBlock: 9, toBlock: 8 },
      "after",
    ],
    ["blocks of several chains", { fromBlock: 1 }, "name it with --chain"],
  ])("is refused for %s", async (_, range, words) => {
    await expect(exportText(source.url, { ...EVERYTHING, ...range })).rejects.toThrow(words);
  });

  test("is of one moment, whatever is indexed or rolled back meanwhile [G-11]", async () => {
    const { url, pool } = target;
    const deployment = await StandInDeployment.create(pool);
    const progress = [{ chainId: 41_021, latest: 5_000, finalized: 0 }];
    await deployment.holds(manyDeals(41_021, 1_500), progress);
    const pieces: string[] = [];
    await eachPiece(url, EVERYTHING, async (piece) => {
      pieces.push(piece);
      // The header is there: from now on everything changes under the export.
      if (pieces.length === 1) await deployment.holds(manyDeals(41_021, 5, 4_000), progress);
    });
    const lines = linesOf(pieces.join(""));
    expect(lines.length - 2).toBe(manyDeals(41_021, 1_500).length);
  });

  test("is not there when it fails or is interrupted, and what was there before stays", async () => {
    const file = join(folder, "interrupted.ndjson");
    writeFileSync(file, "of yesterday");
    async function* failing() {
      yield whole.slice(0, 100_000);
      throw new Error("the database went away");
    }
    await expect(writeFile(file, failing(), new AbortController().signal)).rejects.toThrow("away");
    const stop = new AbortController();
    async function* stopped() {
      yield whole.slice(0, 100_000);
      stop.abort();
      yield whole.slice(100_000);
    }
    await expect(writeFile(file, stopped(), stop.signal)).rejects.toThrow();
    expect(readFileSync(file, "utf8")).toBe("of yesterday");
    expect(readdirSync(folder).filter((name) => name.includes("partial"))).toEqual([]);
  });
});

describe("An import", () => {
  test("of a whole export gives the same events, messages and read models, which verify", async () => {
    const file = join(folder, "whole.ndjson.gz");
    writeFileSync(file, gzipSync(whole));
    await importEvents({ databaseUrl: target.url, schema: "copy", file, onProgress: () => {} });
    expect(await contentsOf(target.pool, "copy")).toEqual(await contentsOf(source.pool, "escrow"));
    const again = linesOf(await exportText(target.url, EVERYTHING, "copy"));
    const lines = linesOf(whole);
    expect(again.at(-1)?.events_sha256).toBe(lines.at(-1)?.events_sha256);
    expect(again[0]).toMatchObject({ chains: [{ to_block: 1_100 }, { to_block: 1_000 }] });
    const findings = new Findings(5);
    const options = { databaseUrl: target.url, schema: "copy", blocks: new Map() };
    await verifyStore({ ...options, onProgress: () => {} }, findings);
    expect(findings.list()).toEqual([]);
  });

  test("of a file from before anything was observed is what that file says", async () => {
    const lines = linesOf(whole).slice(0, -1);
    const older = lines.map(({ observed_arbiter: _none, ...line }, at) =>
      at === 0 ? { ...line, format_version: 1 } : line,
    );
    expect(lines.some(({ observed_arbiter }) => observed_arbiter)).toBe(true);
    const file = join(folder, "older.ndjson");
    writeFileSync(file, exportOf(older));
    await importEvents({ databaseUrl: target.url, schema: "older", file, onProgress: () => {} });
    const { rows } = await target.pool.query(
      `select count(*)::int as events, count(observed_arbiter)::int as observed,
              count(*) filter (where type = 'EscrowCreated' and revision = 'A')::int as of_a
       from older.event`,
    );
    expect(rows).toEqual([{ events: older.length - 1, observed: 0, of_a: expect.any(Number) }]);
    const arbiters = await target.pool.query(
      "select count(*)::int as known from older.escrow where revision = 'A' and arbiter is not null",
    );
    const changes = await target.pool.query(
      `select count(distinct (chain_id, stream))::int as known from older.event
       where revision = 'A' and type = 'ArbiterChanged'`,
    );
    expect(arbiters.rows).toEqual(changes.rows);
    await target.pool.query("drop schema older cascade");
  });

  test.each<[string, (lines: string[]) => string[], number, string]>([
    ["is empty", () => [], 1, "the file is empty"],
    ["is no export", () => ['{"a":1}\n'], 1, "no header of an export of this format"],
    ["is no JSON", (all) => all.with(16, "x\n"), 17, "no JSON"],
    ["has a line that is no event", (all) => all.with(16, '{"id":1}\n'), 17, "no exported event"],
    ["ends between two lines", (all) => all.slice(0, 1_200), 1_200, "it was cut off"],
    ["ends within a line", (all) => cut(all, 1_200), 1_200, "ends within this line"],
    ["lacks an event at its end", (all) => all.toSpliced(-2, 1), -1, "the trailer counts"],
    [
      "has another time of export",
      (all) => all.with(0, other(all[0], /2\d{3}-/, "1999-")),
      0,
      "SHA-256",
    ],
    ["says more behind its end", (all) => [...all, all[1] ?? ""], 1, "behind the trailer"],
    [
      "has another amount in it",
      (all) => all.map((line) => other(line, /"amount":"1000000000000000000"/, '"amount":"2"')),
      0,
      "SHA-256",
    ],
    [
      "has an event twice",
      (all) => all.toSpliced(17, 0, all[16] ?? ""),
      18,
      "it has the same position as",
    ],
    ["lacks an event in a stream", (all) => all.toSpliced(2, 1), -2, "of its stream"],
    [
      "has an event of a version to come",
      (all) => all.with(16, other(all[16], /"schema_version":1/, '"schema_version":2')),
      17,
      "schema version 2",
    ],
    [
      "has an event under another id",
      (all) => all.with(16, other(all[16], /"id":"\d+-/, '"id":"7-')),
      17,
      "its columns make the id",
    ],
    [
      "has an event of another chain",
      (all) => all.with(0, other(all[0], /"chain_id":41021/, '"chain_id":7')),
      2,
      "which the header has not",
    ],
  ])("of a file that %s names the line and leaves nothing", async (name, spoil, line, words) => {
    const file = join(folder, `${name.replaceAll(" ", "-")}.ndjson`);
    const lines = spoil(short.split(/(?<=\n)/).filter((each) => each !== ""));
    writeFileSync(file, lines.join(""));
    const importing = importEvents({
      databaseUrl: target.url,
      schema: "copy",
      file,
      onProgress: () => {},
    });
    const error = await importing.then(
      () => null,
      (reason: Error) => reason,
    );
    expect(error?.message).toContain(words);
    expect(error?.message).toContain(`${file}, line `);
    if (line > 0 && words !== "behind the trailer")
      expect(error?.message).toContain(`${file}, line ${line}:`);
    expect(await schemasOf(target.pool)).toEqual(["relay"]);
  });

  test("of a compressed file that was cut off says so and leaves nothing [G-11]", async () => {
    const file = join(folder, "cut.ndjson.gz");
    const packed = gzipSync(whole);
    writeFileSync(file, packed.subarray(0, packed.length / 2));
    const options = { databaseUrl: target.url, schema: "copy", file, onProgress: () => {} };
    await expect(importEvents(options)).rejects.toThrow(/line \d+: the file cannot be unpacked/);
    expect(await schemasOf(target.pool)).toEqual(["relay"]);
  });

  test("of blocks from the middle says that streams do not begin there", async () => {
    const file = join(folder, "middle.ndjson");
    const wanted = { ...EVERYTHING, chains: ["41021"], fromBlock: 300 };
    writeFileSync(file, await exportText(source.url, wanted));
    const options = { databaseUrl: target.url, schema: "copy", file, onProgress: () => {} };
    await expect(importEvents(options)).rejects.toThrow("the header says from block 300");
  });

  test("that is killed in the middle leaves nothing, and another one does it [G-11]", async () => {
    const child = spawn(process.execPath, ["cli/import.ts", "-"], {
      env: { PATH: process.env.PATH, DATABASE_URL: target.url },
      stdio: ["pipe", "ignore", "ignore"],
    });
    child.stdin.on("error", () => undefined);
    child.stdin.write(whole.slice(0, whole.length / 2));
    const isInserting = async () => {
      const { rows } = await target.pool.query(
        `select from pg_stat_activity
         where datname = current_database() and pid <> pg_backend_pid()
           and state = 'idle in transaction' and query like '%escrow_import%outbox%'`,
      );
      return rows.length > 0;
    };
    await waitUntil("events are being imported", isInserting);
    child.kill("SIGKILL");
    await once(child, "close");
    expect(await schemasOf(target.pool)).toEqual(["relay"]);

    // As an API does that was started before there was anything to read.
    await ensureReadableProgress(target.url);
    const file = join(folder, "again.ndjson");
    writeFileSync(file, whole);
    const again = await imported(file);
    expect(await again.exited, again.output).toEqual({ code: 0, signal: null });
    expect(again.output).toContain("everything agrees");
    // A relay finds no outbox in the views: what is imported is published by nobody.
    const { rows } = await target.pool.query(
      "select viewname from pg_views where schemaname = 'escrow' order by viewname",
    );
    const views = rows.map(({ viewname }) => viewname);
    expect(views).toEqual(
      [
        ...TABLES.filter((name) => name !== "outbox"),
        ...["_ponder_checkpoint", "_ponder_meta", "chain_progress", "chain_verified"],
      ].sort(),
    );
    const { rows: progress } = await target.pool.query(
      `select chain_id::int, chain_name as name, indexed_block::int as to_block,
              final_block::int as final_block
       from escrow.chain_progress order by chain_id`,
    );
    const { chains } = JSON.parse(whole.slice(0, whole.indexOf("\n"))) as ExportHeader;
    expect(progress).toEqual(chains.map(({ from_block: _from, ...chain }) => chain));

    const third = await imported(file);
    expect((await third.exited).code).toBe(78);
    expect(third.output).toContain('schema "escrow_import" is not empty');
    writeFileSync(file, short);
    const beside = await imported(file, "--schema", "beside");
    expect((await beside.exited).code, beside.output).toBe(0);
    expect(beside.output).toContain("were left as they are");
  });

  test("says what is wrong with the file, and exits with 1", async () => {
    const missing = await imported(join(folder, "nowhere.ndjson"));
    expect((await missing.exited).code).toBe(1);
    expect(missing.output).toContain("nowhere.ndjson");
    expect(missing.output).toContain("Nothing was imported");
  });
});

/** The text of an export of these lines, with the trailer that belongs to them. */
function exportOf([header, ...events]: object[]): string {
  const line = (value: object | undefined) => `${JSON.stringify(value)}\n`;
  const own = events.map(line).join("");
  const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");
  const trailer = { trailer: "escrow-stream/events", events: events.length };
  return `${line(header)}${own}${line({
    ...trailer,
    ...{ events_sha256: sha256(own), sha256: sha256(line(header) + own) },
  })}`;
}

test("npm run export writes a file that its own trailer describes, and nothing on a mistake", async () => {
  const file = join(folder, "cli.ndjson.gz");
  const env = { DATABASE_URL: source.url };
  const run = new ServiceProcess("export", { args: ["--out", file, "--chain", "41022"], env });
  expect(await run.exited, run.output).toEqual({ code: 0, signal: null });
  const lines = linesOf(gunzipSync(readFileSync(file)).toString());
  expect(lines.at(-1)?.events).toBe(lines.length - 2);
  expect(run.output).toContain(`exported ${lines.length - 2} events of escrow_standin`);
  const wrong = new ServiceProcess("export", { args: ["--out", "-", "--to-block", "x"], env });
  expect((await wrong.exited).code).toBe(78);
  expect(wrong.stdoutLines).toEqual([]);
});

async function imported(file: string, ...args: string[]): Promise<ServiceProcess> {
  const run = new ServiceProcess("import", {
    args: [file, ...args],
    env: { DATABASE_URL: target.url },
  });
  await run.exited;
  return run;
}

async function exportText(url: string, wanted = EVERYTHING, schema?: string): Promise<string> {
  const pieces: string[] = [];
  await eachPiece(url, wanted, async (piece) => void pieces.push(piece), schema);
  return pieces.join("");
}

async function eachPiece(
  url: string,
  wanted: WantedRange,
  take: (piece: string) => Promise<void>,
  schema?: string,
): Promise<void> {
  const database = await FrozenDatabase.open(url);
  try {
    const deployment = await findDeployment(database, schema);
    const ranges = exportRanges(deployment, wanted);
    const options = { exportedAt: new Date(), onProgress: () => {} };
    for await (const piece of exportEvents(database, deployment, ranges, options))
      await take(piece);
  } finally {
    await database.close({ keep: false });
  }
}

function linesOf(text: string): Json[] {
  expect(text.endsWith("\n")).toBe(true);
  return text
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line));
}

function other(line: string | undefined, from: RegExp, to: string): string {
  return (line ?? "").replace(from, to);
}

function cut(lines: string[], at: number): string[] {
  return [...lines.slice(0, at - 1), (lines[at - 1] ?? "").slice(0, 40)];
}

/** Every row of every table, as text in the order of its key. */
async function contentsOf(pool: pg.Pool, schema: string): Promise<Record<string, string[]>> {
  const contents: Record<string, string[]> = {};
  for (const table of TABLES) {
    const { rows } = await pool.query(
      `select row_to_json(t)::text as row from ${schema}.${table} t order by 1`,
    );
    contents[table] = rows.map(({ row }) => row);
  }
  return contents;
}

async function schemasOf(pool: pg.Pool): Promise<string[]> {
  const { rows } = await pool.query(
    `select nspname from pg_namespace
      where nspname !~ '^pg_' and nspname not in ('information_schema', 'public') order by 1`,
  );
  return rows.map(({ nspname }) => nspname);
}
