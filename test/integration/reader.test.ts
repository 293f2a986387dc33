import pg from "pg";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { ensureKeyTable } from "../../apps/api/access/key-table.ts";
import { reapReaders } from "../../db/roles/reap-readers.ts";
import { watchReaders } from "../../db/roles/watch-readers.ts";
import { CacheHold } from "../../engine/cache/hold-cache.ts";
import { lockHealing } from "../../engine/deployment/deployment-lock.ts";
import { ensureProgressView } from "../../engine/ensure-progress-view.ts";
import { ensureWitnessTables } from "../../engine/witness-tables.ts";
import { migrate } from "../../packages/relay/journal/migrate.ts";
import { kyselyOf } from "../support/kysely-of.ts";
import { RelayWorld } from "../support/relay-world.ts";
import { type RoleBed, roleBed } from "../support/role-bed.ts";
import { waitUntil } from "../support/wait-until.ts";

/* What somebody tries who has the password of a reader, and nothing else. */

const world = new RelayWorld();
let strict: RoleBed;
beforeAll(async () => {
  await world.start();
  strict = await roleBed(world, { isStrict: true, connections: 3 });
});
afterAll(() => world.stop());

const DENIED = "42501";
const JOURNAL = "select to_tsvector(body) from relay.message";

describe("A reader can do nothing but read [G-26]", () => {
  test.each([
    // Functions of one argument, by attribute notation.
    `select ('/etc/passwd'::text).pg_read_file`,
    `select ('/'::text).pg_ls_dir`,
    `select (1).lo_create`,
    `select (1::bigint).pg_advisory_lock`,
    `select (r).pg_terminate_backend from (select 1) r (r)`,
    // Functions that run a statement that they are given.
    `select * from ts_stat('${JOURNAL}')`,
    `select * from ts_stat('select to_tsvector(rolpassword) from pg_authid')`,
    `select query_to_xml('select * from relay.publication', true, true, '')`,
    `select table_to_xml('escrow_standin.escrow', true, true, '')`,
    // Files and programs.
    `select pg_read_file('/etc/passwd')`,
    `select pg_read_binary_file('/etc/passwd')`,
    `select lo_import('/etc/passwd')`,
    `copy (select 1) to program 'true'`,
    `copy (select 1) to '/tmp/escrow-stream-reader'`,
    // What others own.
    `select * from relay.message`,
    `select * from relay.publication`,
    `select * from relay.lease`,
    `select * from relay.kysely_migration`,
    `select * from witness.verified`,
    `select * from escrow_standin.escrow`,
    `select * from pg_authid`,
    `select relay.database_identity()`,
    // Writing.
    `insert into escrow.chain_stat (chain_id) values (1)`,
    `update escrow.escrow set amount = 0`,
    `delete from escrow.event`,
    `insert into escrow._api_key (name, sha256, scopes) values ('me', repeat('0', 64), '{read}')`,
    `truncate escrow._api_key`,
    `create table public.mine (id int)`,
    `create temporary table mine (id int)`,
    `select 1 as id into temporary mine`,
    `create schema mine`,
    `create view escrow.mine as select 1`,
    `create function public.mine() returns int language sql as 'select 1'`,
    `select lo_from_bytea(0, 'x')`,
    `select pg_logical_emit_message(false, 'x', 'y')`,
    // Becoming somebody else, or more.
    `set role postgres_nobody`,
    `alter role current_user connection limit -1`,
    `alter role current_user createrole`,
    `create role mine`,
    `set temp_file_limit = -1`,
    `set session_replication_role = replica`,
    `load 'auto_explain'`,
    `alter system set fsync = off`,
    `select pg_reload_conf()`,
    `select pg_switch_wal()`,
    `select pg_create_physical_replication_slot('mine')`,
    // Holding others up.
    `begin; lock table escrow.escrow in access exclusive mode`,
    `begin; lock table escrow.escrow in share mode`,
    `begin; lock table relay.message in access share mode`,
    `select pg_advisory_lock(4120211)`,
    `select pg_try_advisory_xact_lock_shared(hashtextextended('escrow-stream cache', 0))`,
    `select pg_terminate_backend(pid) from pg_stat_activity`,
    `select pg_cancel_backend(pid) from pg_stat_activity`,
  ])("%s", async (statement) => {
    const client = await strict.connectAs(strict.reader);
    await client.query("set default_transaction_read_only = off");
    const error = await client.query(statement).catch((thrown) => thrown);
    expect([error.code, error.message]).toEqual([
      expect.stringMatching(/^(42501|22023|42704)$/),
      expect.stringMatching(/permission denied|not allowed|must be owner|does not exist/),
    ]);
  });

  test("becoming the relay or the indexer", async () => {
    const client = await strict.connectAs(strict.reader);
    for (const role of [strict.names.relay, strict.names.indexer])
      for (const how of ["set role", "set session authorization"])
        await expect(client.query(`${how} ${role}`)).rejects.toMatchObject({ code: DENIED });
  });

  test("seeing what others ask", async () => {
    const client = await strict.connectAs(strict.reader);
    const { rows } = await client.query(
      "select distinct query from pg_stat_activity where usename <> current_user",
    );
    expect(rows).toEqual([{ query: "<insufficient privilege>" }]);
  });

  test("filling the disk with what is sorted", async () => {
    const client = await strict.connectAs(strict.reader);
    const { rows } = await client.query("show temp_file_limit");
    expect(rows).toEqual([{ temp_file_limit: "512MB" }]);
    await strict.owner.query(`alter role ${strict.reader} set temp_file_limit = '1MB'`);
    const limited = await strict.connectAs(strict.reader);
    await limited.query("set work_mem = '64kB'");
    await expect(
      limited.query(
        "select count(*) from (select g from generate_series(1, 200000) g order by -g) s",
      ),
    ).rejects.toThrow("temporary file size exceeds");
  });

  test("taking every connection", async () => {
    for (let open = 0; open < 3; open++) await strict.connectAs(strict.reader);
    await expect(strict.connectAs(strict.reader)).rejects.toThrow("too many connections for role");
    await strict.connectAs(strict.names.relay);
  });

  test("a session begins with limits", async () => {
    const client = await strict.connectAs(strict.reader);
    for (const [setting, value] of [
      ["statement_timeout", "30s"],
      ["lock_timeout", "2s"],
      ["idle_in_transaction_session_timeout", "20s"],
      ["default_transaction_read_only", "on"],
    ])
      expect((await client.query(`show ${setting}`)).rows).toEqual([{ [setting ?? ""]: value }]);
  });
});

describe("Sessions of readers that are over their limits are ended [G-26]", () => {
  test("a transaction that its session has freed of every limit, and nobody else's", async () => {
    const bed = await roleBed(world);
    const reader = await bed.connectAs(bed.reader);
    const [indexer, relay] = [
      await bed.connectAs(bed.names.indexer),
      await bed.connectAs(bed.names.relay),
    ];
    await indexer.query("begin; select 1");
    await reader.query("set default_transaction_read_only = off");
    // For this session and all later ones: PostgreSQL lets every role change its own settings.
    for (const scope of ["alter role current_user set", "set"])
      for (const name of ["statement_timeout", "idle_in_transaction_session_timeout"])
        await reader.query(`${scope} ${name} = 0`);
    expect(await reapReaders(relay)).toEqual([]);
    const sleeping = reader.query("select pg_sleep(600)").catch((error) => error);
    const ended = await waitUntil("the session is ended", async () => {
      const found = await reapReaders(relay, 200);
      return found.length > 0 && found;
    });
    expect(ended).toMatchObject([
      { role: bed.reader, why: "its transaction lasted longer than 0.2 s" },
    ]);
    expect(await sleeping).toMatchObject({ code: "57P01" });
    await indexer.query("commit");
  });

  test("a session that takes our advisory locks stops none of our processes", async () => {
    const bed = await roleBed(world);
    const reader = await bed.connectAs(bed.reader);
    await reader.query(`select pg_advisory_lock(key) from unnest(array[
      4120211, 4120212, 4120213, 4120214, 3853314791062309107,
      hashtextextended('escrow-stream cache', 0), hashtextextended('escrow-stream replay', 0),
      hashtextextended('escrow-stream healing', 0)]) as locks (key)`);
    const [indexerUrl, relayUrl] = [bed.urlAs(bed.names.indexer), bed.urlAs(bed.names.relay)];
    expect(await lockHealing(indexerUrl)).toBeNull();
    const stop = new AbortController();
    const said: string[] = [];
    const say = (_: object, text: string): void => void said.push(text);
    const watching = watchReaders({
      ...{ databaseUrl: relayUrl, signal: stop.signal, everyMs: 50 },
      log: { info: say, warn: say, error: say },
    });
    onTestFinished(() => {
      stop.abort();
      return watching;
    });
    const indexer = await bed.connectAs(bed.names.indexer);
    await ensureProgressView(indexer);
    await ensureWitnessTables(indexer);
    await ensureKeyTable(indexer);
    await migrate(kyselyOf(relayUrl));
    const hold = await CacheHold.connect(indexerUrl);
    await hold.share();
    await hold.stop();
    const release = await waitUntil(
      "healing may begin",
      async () => (await lockHealing(indexerUrl)) ?? false,
    );
    await release();
    expect(said).toEqual([
      `Ended 1 sessions of readers: ${bed.reader}, it asked for an advisory lock.`,
    ]);
  });

  test("a database that does not answer is asked again, and that is said once", async () => {
    const bed = await roleBed(world);
    const stop = new AbortController();
    const said: string[] = [];
    const say = ({ event }: { event: string }): void => void said.push(event);
    const log = { info: say, warn: say, error: say };
    await bed.owner.query(`alter role ${bed.names.relay} nologin`);
    const watching = watchReaders({
      ...{ databaseUrl: bed.urlAs(bed.names.relay), log, signal: stop.signal, everyMs: 20 },
    });
    await waitUntil("it is said", () => said.length > 0);
    await bed.owner.query(`alter role ${bed.names.relay} login`);
    const client = new pg.Client({ connectionString: bed.urlAs(bed.reader) });
    client.on("error", () => undefined);
    await client.connect();
    await client.query("select pg_advisory_lock(1)");
    await waitUntil("it goes on", () => said.includes("reader.ended"));
    stop.abort();
    await watching;
    expect(said).toEqual(["reader.unwatched", "reader.ended"]);
  });
});
