import pg from "pg";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { readKeys } from "../../apps/api/access/key-table.ts";
import { checkDatabase } from "../../db/check-database.ts";
import { grantFeed } from "../../db/roles/grant-feed.ts";
import { setUpRoles } from "../../db/roles/set-up-roles.ts";
import { urlOfRole } from "../../db/roles/url-of-role.ts";
import { ensureProgressView } from "../../engine/ensure-progress-view.ts";
import { ensureWitnessTables } from "../../engine/witness-tables.ts";
import { migrate } from "../../packages/relay/journal/migrate.ts";
import { kyselyOf } from "../support/kysely-of.ts";
import { RelayWorld } from "../support/relay-world.ts";
import { fillAsOne, freshNames, roleBed } from "../support/role-bed.ts";
import { StandInDeployment } from "../support/stand-in-deployment.ts";

const world = new RelayWorld();
beforeAll(() => world.start());
afterAll(() => world.stop());

const OWNERS = `
  select n.nspname || '.' || c.relname as name, pg_get_userbyid(c.relowner) as owner
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where n.nspname in ('escrow', 'witness', 'relay', 'escrow_standin') and c.relkind in ('r', 'v')`;

test("A database of one role is moved to three, and a second run changes nothing", async () => {
  const bed = await roleBed(world);
  const { rows } = await bed.owner.query<{ name: string; owner: string }>(OWNERS);
  expect(rows.length).toBeGreaterThan(30);
  for (const { name, owner } of rows)
    expect([name, owner]).toEqual([
      name,
      name.startsWith("relay.") ? bed.names.relay : bed.names.indexer,
    ]);

  const again = await setUpRoles(bed.url, { names: bed.names, isApplied: true });
  expect(again.made.size).toBe(0);
  expect(
    again.statements.filter((each) => /^(create|alter (table|view|schema))/.test(each)),
  ).toEqual([]);
  // Code that makes sure of its tables does so as their owner.
  const indexer = await bed.connectAs(bed.names.indexer);
  await ensureProgressView(indexer);
  await ensureWitnessTables(indexer);
  await migrate(kyselyOf(bed.urlAs(bed.names.relay)));
});

test("Each role is enough for its process, and views and deployments made later need nobody's hand", async () => {
  const bed = await roleBed(world);
  const { indexer, relay } = bed.names;
  await checkDatabase(bed.urlAs(indexer), { use: "indexer" });
  await checkDatabase(bed.urlAs(relay), { use: "relay" });
  await checkDatabase(bed.urlAs(bed.reader), { use: "reader" });

  const asIndexer = new pg.Pool({ connectionString: bed.urlAs(indexer) });
  onTestFinished(() => asIndexer.end());
  await StandInDeployment.create(asIndexer, "escrow_later");
  // The engine drops its views and makes them again.
  await asIndexer.query(
    "drop view escrow.approval; create view escrow.approval as select * from escrow_later.approval",
  );
  const asReader = await bed.connectAs(bed.reader);
  for (const view of ["escrow", "event", "approval", "settlement", "chain_progress"])
    await asReader.query(`select * from escrow.${view}`);
  expect(await readKeys(asReader)).toEqual([]);
  const asRelay = await bed.connectAs(relay);
  await asRelay.query("select * from escrow.outbox, escrow._ponder_checkpoint, witness.verified");
  await asIndexer.query("select * from relay.message, relay.publication");

  for (const view of ["feed", "feed_publication"])
    await asReader.query(`select * from relay.${view}`);
  await asRelay.query(
    "create table relay.later (id int); drop view relay.feed; create view relay.feed as select 1 as n",
  );
  await asIndexer.query("select * from relay.later");
  await expect(asReader.query("select * from relay.feed")).rejects.toThrow("permission denied");
  await grantFeed(asIndexer);
  await grantFeed(asRelay);
  await asReader.query("select * from relay.feed");
  await checkDatabase(bed.urlAs(bed.reader), { use: "reader" });
});

test("What a role lacks is named with the statement that gives it", async () => {
  const bed = await roleBed(world);
  const problems = async (role: string, use: "indexer" | "relay" | "reader") =>
    await checkDatabase(bed.urlAs(role), { use }).then(
      () => [],
      ({ problems: found }) => found.map(({ what }: { what: string }) => what.split(". ")[0]),
    );
  const { reader } = bed;
  expect(await problems(reader, "indexer")).toEqual(
    ["create on database", "create on schema escrow", "create on schema witness"].map((right) =>
      expect.stringMatching(`^role ${reader} needs: grant ${right}.* to ${reader}$`),
    ),
  );
  expect(await problems(reader, "relay")).toHaveLength(4);
  await bed.owner.query(`revoke select on escrow.party from ${reader}`);
  expect(await problems(reader, "reader")).toEqual([
    `role ${reader} needs: grant select on escrow.party to ${reader}`,
  ]);
});

test("A role that is no superuser sets up roles, and is told what it cannot enforce", async () => {
  const { url, pool } = await fillAsOne(world);
  await pool.query("create role managed login createrole password 'x'");
  await giveAllTo(pool, "managed");
  const names = freshNames();
  const managed = urlOfRole(url, "managed", "x");
  for (const _ of [1, 2]) {
    const { notes } = await setUpRoles(managed, { names, isApplied: true, isStrict: true });
    expect(notes).toEqual([
      expect.stringContaining("temp_file_limit needs a superuser"),
      expect.stringContaining("--strict needs a superuser"),
    ]);
  }
  const { rows } = await pool.query(
    "select count(*) from pg_class where relowner = 'managed'::regrole",
  );
  expect(rows).toEqual([{ count: "0" }]);
});

test("A role that may not make roles changes nothing, and what is in use is waited for no longer than it says", async () => {
  const { url, pool } = await fillAsOne(world);
  await pool.query("create role nobody_much login password 'x'");
  const names = freshNames();
  await expect(
    setUpRoles(urlOfRole(url, "nobody_much", "x"), { names, isApplied: true }),
  ).rejects.toThrow(/ES-DATABASE-REFUSED: .*role nobody_much may not: create role/);

  const busy = await pool.connect();
  await busy.query("begin; lock table relay.message in access share mode");
  await expect(setUpRoles(url, { names, isApplied: true })).rejects.toThrow(
    /ES-NOT-READY: .*something is in use: .*Nothing was changed/,
  );
  await busy.query("rollback");
  busy.release();
  const { rowCount } = await pool.query("select from pg_roles where rolname = $1", [names.indexer]);
  expect(rowCount).toBe(0);
});

/** The database and all that is ours in it: what belongs to the system stays. */
async function giveAllTo(pool: pg.Pool, role: string): Promise<void> {
  const { rows } = await pool.query<{ statement: string }>(`
    select format('alter database %I owner to ${role}', current_database()) as statement
    union all
    select format('alter schema %I owner to ${role}', nspname) from pg_namespace
    where nspname ~ '^(escrow|witness|relay)'
    union all
    select format('alter table %s owner to ${role}', oid::regclass) from pg_class
    where relnamespace::regnamespace::text ~ '^(escrow|witness|relay)' and relkind in ('r', 'v')
    union all
    select format('alter routine %s owner to ${role}', oid::regprocedure) from pg_proc
    where pronamespace::regnamespace::text ~ '^(escrow|witness|relay)'`);
  for (const { statement } of rows) await pool.query(statement);
}
