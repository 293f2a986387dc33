import { mkdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { migrate } from "@escrow-stream/consumer";
import pg from "pg";
import { type Address, zeroAddress } from "viem";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { freePort } from "../../local/free-port.ts";
import { parseCertificate } from "../../proof/audit/certificate.ts";
import { playFirstHalf, playSecondHalf } from "../support/deal-script.ts";
import { documentedSql } from "../support/documented-sql.ts";
import { escrowsOn, expectedIds, expectedMessages } from "../support/expected-messages.ts";
import { readContract } from "../support/read-contract.ts";
import { ServiceProcess } from "../support/service-process.ts";
import { TestChain } from "../support/test-chain.ts";
import { FINAL_TOPIC, LATEST_TOPIC, TestWorld } from "../support/test-world.ts";
import type { Received, TopicRecorder } from "../support/topic-recorder.ts";
import { waitUntil } from "../support/wait-until.ts";

/*
 * Two chains with both revisions, the three processes started one by one as in production, an
 * unmodified client as subscriber. The first half of the deals is there before anything starts
 * (backfill), the second half happens while everything runs (live).
 */

type Json = Record<string, unknown>;
type Escrow = Json & { address: string; chain_id: number; approvals: Json[]; events: Json[] };

let world: TestWorld;
let chains: TestChain[];
let recorder: TopicRecorder;
let databaseUrl: string;
const ports = { api: 0, indexer: 0, relay: 0 };
const services: ServiceProcess[] = [];

beforeAll(async () => {
  world = await TestWorld.create();
  chains = await Promise.all([TestChain.start(41_001), TestChain.start(41_002)]);
  const halves = await Promise.all(
    chains.map(async (chain) => ({ chain, open: await playFirstHalf(chain) })),
  );

  databaseUrl = await world.createDatabase();
  const projectId = world.freshProject();
  recorder = await world.record(projectId);
  for (const name of ["api", "indexer", "relay"] as const) ports[name] = await freePort();
  const env = {
    ...TestChain.environment(chains),
    DATABASE_URL: databaseUrl,
    PUBSUB_PROJECT_ID: projectId,
    PUBSUB_EMULATOR_HOST: world.pubsub.address,
    API_PORT: String(ports.api),
    INDEXER_PORT: String(ports.indexer),
    RELAY_PORT: String(ports.relay),
  };
  services.push(new ServiceProcess("relay", { env }), new ServiceProcess("indexer", { env }));

  const backfilled = (await Promise.all(chains.map(expectedIds))).flat();
  await recorder.waitForIds(LATEST_TOPIC, backfilled).catch(tellOutput);
  services.push(new ServiceProcess("api", { env }));
  await waitUntil("the indexer is ready", () => isOk(ports.indexer, "/ready")).catch(tellOutput);

  await Promise.all(halves.map(({ chain, open }) => playSecondHalf(chain, open)));
  const all = (await Promise.all(chains.map(expectedIds))).flat();
  await recorder.waitForIds(LATEST_TOPIC, all).catch(tellOutput);
  for (const chain of chains) await chain.makeFinal();
  await recorder.waitForIds(FINAL_TOPIC, all).catch(tellOutput);
  await waitUntil("the query side answers", () => isOk(ports.api, "/ready")).catch(tellOutput);
});

afterAll(async () => {
  await Promise.all(services.map((each) => each.stop()));
  await Promise.all((chains ?? []).map((each) => each.stop()));
  await world?.end();
});

test("An auditor finds in the event store what the chains logged, and nothing else", async () => {
  const out = join(world.freshFolder(), "certificate.json");
  mkdirSync(dirname(out));
  const env = { ...TestChain.environment(chains), DATABASE_URL: databaseUrl };
  const audit = new ServiceProcess("audit", {
    env: { ...env, AUDIT_RPC_REQUESTS_PER_SECOND: "1000" },
    args: ["--thorough", "--out", out],
  });
  expect(await audit.exited, audit.output).toMatchObject({ code: 0 });
  const { result, chains: audited } = parseCertificate(readFileSync(out, "utf8"));
  expect(result).toBe("complete");
  for (const chain of chains) {
    const { events } = audited.find(({ chainId }) => chainId === chain.chainId)?.chain ?? {};
    expect(events).toBe((await expectedIds(chain)).length);
  }
  expect(audited[0]).toMatchObject({ blooms: { areUsable: true }, unknownSignatures: [] });
});

describe.each([LATEST_TOPIC, FINAL_TOPIC])("A subscriber of %s", (topic) => {
  test("gets every event of both chains exactly once, with every field as the chain has it", async () => {
    const expected = (
      await Promise.all(chains.map((each) => expectedMessages(each, topic)))
    ).flat();
    const types = new Set(expected.map(({ attributes }) => attributes.event_type));
    expect(types.size).toBe(6);
    expect(recorder.on(topic).toSorted(byId)).toEqual(expected.toSorted(byId));
  });

  test("gets the events of each escrow in chain order, numbered from 1 without gaps", async () => {
    const expected = (
      await Promise.all(chains.map((each) => expectedMessages(each, topic)))
    ).flat();
    expect(idsPerKey(recorder.on(topic))).toEqual(idsPerKey(expected));
    for (const [, messages] of perKey(recorder.on(topic)))
      expect(messages.map(({ attributes }) => Number(attributes.sequence))).toEqual(
        messages.map((_, at) => at + 1),
      );
  });
});

describe("The read models", () => {
  test("say over REST what the contracts themselves answer", async () => {
    for (const { chain, address, people } of await allEscrows()) {
      const contract = await readContract(chain, address, people);
      const { timestamp } = await chain.client.getBlock();
      const escrow = await getEscrow(chain.chainId, address, `?at=${timestamp}`);
      const { isReleasable, approvers, ...plain } = { ...contract, arbiter: orNone(contract) };
      expect(escrow).toMatchObject({ chain_id: chain.chainId, address, ...plain });
      expect(escrow.releasable).toEqual({ at: String(timestamp), value: isReleasable });
      expect([...(escrow.approvers as string[])].sort()).toEqual([...approvers].sort());
      expect(escrow.approvals.map(({ approver }) => approver)).toEqual(escrow.approvers);
      expect(escrow.anomalies).toBe(0);
    }
  });

  test("hold each escrow's events over REST in stream order", async () => {
    for (const chain of chains) {
      const byKey = idsPerKey(await expectedMessages(chain, LATEST_TOPIC));
      for (const [key, ids] of byKey) {
        const escrow = await getEscrow(chain.chainId, key.split(":")[1] as Address);
        expect(escrow.events.map(({ id }) => id)).toEqual(ids);
        expect(escrow.events.map((each) => each.stream_version)).toEqual(
          ids.map((_, at) => at + 1),
        );
        expect(escrow.version).toBe(ids.length);
      }
    }
  });

  test("say over GraphQL what the contracts themselves answer", async () => {
    const fields =
      "chainId address status payer payee arbiter amount releaseTime approvalsGiven approvalsRequired approvers revision";
    const query = `{ escrows(first: 1000) { nodes { ${fields} } } }`;
    const response = await fetch(url("/graphql"), {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ query }),
    });
    const { data } = (await response.json()) as { data: { escrows: { nodes: Json[] } } };
    const found = new Map(
      data.escrows.nodes.map((each) => [`${each.chainId}:${each.address}`, each]),
    );
    const escrows = await allEscrows();
    expect(found.size).toBe(escrows.length);
    for (const { chain, address, people } of escrows) {
      const contract = await readContract(chain, address, people);
      expect(found.get(`${chain.chainId}:${address}`)).toMatchObject({
        status: contract.status.toUpperCase(),
        payer: contract.payer,
        payee: contract.payee,
        arbiter: orNone(contract),
        amount: contract.amount,
        releaseTime: contract.release_time,
        approvalsGiven: contract.approvals_given,
        approvalsRequired: contract.approvals_required,
      });
    }
  });

  test("are there as SQL views in the schema escrow, and add up", async () => {
    const ids = await Promise.all(chains.map(expectedIds));
    for (const [at, { chainId }] of chains.entries()) {
      const stored = await world.query<{ id: string }>(
        databaseUrl,
        "select id from escrow.event where chain_id = $1 order by position",
        [chainId],
      );
      expect(stored.map(({ id }) => id)).toEqual(ids[at]);
      const states = await world.query<{ status: string; n: number; wei: string }>(
        databaseUrl,
        `select status, count(*)::int as n, sum(amount)::text as wei
         from escrow.escrow where chain_id = $1 group by status`,
        [chainId],
      );
      const of = (status: string) => states.find((each) => each.status === status);
      const [stat] = await world.query(
        databaseUrl,
        `select events, escrows, released, refunded, anomalies, released_amount::text, refunded_amount::text
         from escrow.chain_stat where chain_id = $1`,
        [chainId],
      );
      expect(stat).toEqual({
        events: ids[at]?.length,
        escrows: states.reduce((sum, { n }) => sum + n, 0),
        released: of("released")?.n,
        refunded: of("refunded")?.n,
        anomalies: 0,
        released_amount: of("released")?.wei,
        refunded_amount: of("refunded")?.wei,
      });
    }
    const settled = await world.query(
      databaseUrl,
      `select from escrow.escrow e left join escrow.settlement s
         on s.chain_id = e.chain_id and s.escrow = e.address
       where (e.status in ('released', 'refunded')) <> (s.outcome is not distinct from e.status)`,
    );
    expect(settled).toEqual([]);
  });

  test("run no SQL that somebody sends, in no process", async () => {
    const statement = encodeURIComponent(JSON.stringify({ json: { sql: "select 1", params: [] } }));
    for (const port of [ports.api, ports.indexer])
      for (const method of ["GET", "POST"])
        for (const path of [`/sql/db?sql=${statement}`, `/sql/live?sql=${statement}`, "/sql"]) {
          const { status } = await fetch(`http://127.0.0.1:${port}${path}`, { method });
          expect(status, `${method} ${path}`).toBe(404);
        }
  });

  test("answer late, and not with an error, while something else holds their views", async () => {
    const holder = new pg.Client({ connectionString: databaseUrl });
    await holder.connect();
    await holder.query("begin");
    await holder.query("lock table escrow.escrow, escrow.chain_stat in access exclusive mode");
    const answers = Promise.all([
      fetch(url("/v1/escrows")).then((response) => response.status),
      fetch(url("/graphql"), {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ query: "{ escrows(first: 1) { nodes { address } } }" }),
      }).then((response) => response.json()),
    ]);
    // Four times as long as the engine's readers wait for a lock.
    await setTimeout(2_000);
    await holder.end();
    const [status, graphql] = await answers;
    expect(status).toBe(200);
    expect(graphql).toMatchObject({ data: { escrows: { nodes: [{}] } } });
  });
});

describe("The list of escrows", () => {
  const roles = ["payer", "payee", "arbiter"] as const;

  test.each([...roles, "party"] as const)("filters by %s", async (role) => {
    const all = await list("");
    for (const person of [chains[0]?.payer, chains[0]?.arbiter, chains[0]?.stranger]) {
      const address = person?.toLowerCase();
      const matching = all.filter((each) =>
        role === "party" ? roles.some((one) => each[one] === address) : each[role] === address,
      );
      // With the checksum, too: any spelling is taken.
      expect(keys(await list(`${role}=${person}`))).toEqual(keys(matching));
    }
  });

  test("filters by one or several statuses and by chain", async () => {
    const all = await list("");
    const settled = all.filter(({ status }) => status === "released" || status === "refunded");
    expect(settled.length).toBeGreaterThan(0);
    expect(keys(await list("status=released,refunded"))).toEqual(keys(settled));
    const chainId = chains[1]?.chainId;
    const created = all.filter((one) => one.status === "created" && one.chain_id === chainId);
    expect(created.length).toBeGreaterThan(0);
    expect(keys(await list(`status=created&chainId=${chainId}`))).toEqual(keys(created));
  });

  test("comes in pages that hold every escrow once, in the order of the whole list", async () => {
    const all = await list("");
    const paged: Escrow[] = [];
    let next: string | null = "";
    let pages = 0;
    while (next !== null) {
      const page = await get(`/v1/escrows?limit=4${next && `&cursor=${next}`}`);
      paged.push(...(page.escrows as Escrow[]));
      next = page.next as string | null;
      pages += 1;
    }
    expect(pages).toBe(Math.ceil(all.length / 4));
    expect(keys(paged)).toEqual(keys(all));
    expect(new Set(keys(all)).size).toBe((await allEscrows()).length);
  });

  test.each([
    ["payer=0x12", "payer"],
    ["status=open", "status"],
    ["limit=0", "limit"],
    ["limit=1001", "limit"],
    ["cursor=abc", "cursor"],
    ["at=tomorrow", "at"],
    ["chainId=0", "chain_id"],
    ["colour=red", "colour"],
  ])("answers 400 to %s and names the parameter", async (query, parameter) => {
    const response = await fetch(url(`/v1/escrows?${query}`));
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ parameter });
  });

  test("answers 400 for what is not an address, and 404 for an escrow that nobody created", async () => {
    expect((await fetch(url("/v1/escrows/41001/0x12"))).status).toBe(400);
    expect((await fetch(url(`/v1/escrows/x/${zeroAddress}`))).status).toBe(400);
    const response = await fetch(url(`/v1/escrows/41001/${zeroAddress}`));
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({ code: "ES-NOT-FOUND" });
  });
});

test.each(["api", "indexer", "relay"] as const)(
  "The %s tells on its own port that it lives, is ready, how far it is, and its metrics",
  async (name) => {
    for (const path of ["/health", "/ready"]) expect(await isOk(ports[name], path)).toBe(true);
    const status = await fetch(url("/status", ports[name]));
    expect(status.status).toBe(200);
    const body = JSON.stringify(await status.json());
    expect(body).toContain(name === "relay" ? FINAL_TOPIC : "41001");
    const metrics = await fetch(url("/metrics", ports[name]));
    expect(metrics.status).toBe(200);
    expect(await metrics.text()).toContain("# TYPE ");
  },
);

test.each(documentedSql())("The SQL in $file runs:\n$sql", async ({ file, sql }) => {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    await client.query("begin");
    await migrate(client);
    await expect(client.query(sql), file).resolves.toBeDefined();
    await client.query("rollback");
  } finally {
    await client.end();
  }
});

test("The relay's status says that everything captured is published", async () => {
  const count = (await Promise.all(chains.map(expectedIds))).flat().length;
  const status = await (await fetch(url("/status", ports.relay))).json();
  for (const topic of [LATEST_TOPIC, FINAL_TOPIC])
    expect(status).toMatchObject({
      publications: expect.arrayContaining([
        expect.objectContaining({ topic, captured: count, published: count, backlog: 0 }),
      ]),
    });
});

async function allEscrows() {
  const lists = await Promise.all(
    chains.map(async (chain) =>
      Promise.all(
        (await escrowsOn(chain)).map(async (address) => ({
          chain,
          address,
          people: await peopleOf(chain, address),
        })),
      ),
    ),
  );
  return lists.flat();
}

/** Everybody who may have approved: the accounts, and the parties where those are contracts. */
async function peopleOf(chain: TestChain, escrow: Address): Promise<Address[]> {
  const { payer, payee, arbiter } = await readContract(chain, escrow, []);
  const accounts = [chain.payer, chain.payee, chain.arbiter, chain.stranger];
  return [
    ...new Set([...accounts, payer, payee, arbiter].map((each) => each.toLowerCase() as Address)),
  ];
}

function url(path: string, port = ports.api): string {
  return `http://127.0.0.1:${port}${path}`;
}

async function isOk(port: number, path: string): Promise<boolean> {
  return (await fetch(url(path, port))).ok;
}

async function get(path: string): Promise<Json> {
  const response = await fetch(url(path));
  expect(response.status).toBe(200);
  return (await response.json()) as Json;
}

async function getEscrow(chainId: number, address: Address, query = ""): Promise<Escrow> {
  return (await get(`/v1/escrows/${chainId}/${address}${query}`)) as Escrow;
}

async function list(query: string): Promise<Escrow[]> {
  return (await get(`/v1/escrows?limit=1000&${query}`)).escrows as Escrow[];
}

function keys(escrows: Escrow[]): string[] {
  return escrows.map((each) => `${each.chain_id}:${each.address}`);
}

function byId(one: Received, other: Received): number {
  return (one.attributes.event_id ?? "") < (other.attributes.event_id ?? "") ? -1 : 1;
}

function perKey(messages: Received[]): [string, Received[]][] {
  return [...Map.groupBy(messages, ({ orderingKey }) => orderingKey)].sort();
}

function idsPerKey(messages: Received[]): [string, (string | undefined)[]][] {
  return perKey(messages).map(([key, of]) => [key, of.map((each) => each.attributes.event_id)]);
}

function tellOutput(error: unknown): never {
  throw new Error(services.map((each) => each.output.slice(-3000)).join("\n---\n"), {
    cause: error,
  });
}

/** The read model's word for no arbiter is null. */
function orNone({ arbiter }: { arbiter: string }): string | null {
  return arbiter === zeroAddress ? null : arbiter;
}
