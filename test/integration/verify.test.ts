import { readFileSync } from "node:fs";
import { Kysely, PostgresDialect } from "kysely";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { checkTopic, type TopicCheck } from "../../proof/verify/check-topic.ts";
import { Findings } from "../../proof/verify/findings.ts";
import { type StoreVerification, verifyStore } from "../../proof/verify/verify-store.ts";
import { CORRUPTIONS } from "../verify/corruptions.ts";
import { checkRows, corruptionRows } from "../verify/verification-tables.ts";
import { VerifiedWorld } from "../verify/verified-world.ts";

let world: VerifiedWorld;
beforeAll(async () => {
  world = await VerifiedWorld.create();
});
afterAll(() => world.end());

async function verify(
  databaseUrl: string,
  blocks = new Map<number, number>(),
): Promise<{ store: StoreVerification; findings: Findings }> {
  const findings = new Findings(50);
  const onProgress = () => undefined;
  const store = await verifyStore({ databaseUrl, blocks, onProgress }, findings);
  return { store, findings };
}

async function readTopics(
  databaseUrl: string,
  { journal }: StoreVerification,
  findings: Findings,
): Promise<TopicCheck[]> {
  const pool = new pg.Pool({ connectionString: databaseUrl });
  pool.on("error", () => undefined);
  const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) });
  const checks: TopicCheck[] = [];
  for (const publication of journal ?? [])
    checks.push(await checkTopic(db, world.config.pubsub, publication, 500, findings));
  await db.destroy();
  return checks;
}

test("finds nothing in a database that lived through a reorg, nor on its topics [G-17]", async () => {
  const url = await world.copy();
  const { store, findings } = await verify(url);
  const topics = await readTopics(url, store, findings);
  expect(findings.list()).toEqual([]);
  expect(store.rows.every(({ rows, differing }) => rows > 0 && differing === 0)).toBe(true);
  expect(store.journal).toMatchObject([
    { messages: 15, retractions: 0, notYetDue: 6, notYetCaptured: 0, unconfirmed: 0 },
    { messages: 29, retractions: 4, notYetDue: 0, notYetCaptured: 0, published: 28 },
  ]);
  expect(topics).toMatchObject([
    { compared: 15, cannotTell: 0 },
    { compared: 28, cannotTell: 0 },
  ]);
});

describe.each(Object.entries(CORRUPTIONS))(
  "in the %s, verify finds and names",
  (_, corruptions) => {
    test.each(corruptions)("$name [G-17]", async ({ sql, check, subject, onTopic }) => {
      const url = await world.copy(...sql);
      const { store, findings } = await verify(url);
      if (onTopic) await readTopics(url, store, findings);
      const found = findings.list().map((each) => ({ check: each.check, subject: each.subject }));
      expect(found).toContainEqual({ check, subject });
    });
  },
);

test("docs/reference/checks.md lists every check and every corruption", () => {
  const docs = readFileSync(new URL("../../docs/reference/checks.md", import.meta.url), "utf8");
  expect(docs).toContain(checkRows());
  expect(docs).toContain(corruptionRows());
});
