import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { toRow } from "../../apps/api/read/past/to-row.ts";
import { answersAsDocumented } from "../support/answers-as-documented.ts";
import { type ApiBed, openApiBed } from "../support/api-bed.ts";
import { manyDeals } from "../support/many-deals.ts";
import { projectEvents } from "../support/project-events.ts";
import { RelayWorld } from "../support/relay-world.ts";

/* REST over a deployment filled by hand; what it answers is compared with what was put in. */

type Json = Record<string, unknown>;

const CHAINS = [41_021, 41_022];
const EVENTS = CHAINS.flatMap((chainId) => manyDeals(chainId, 15)).sort((one, other) =>
  one.position < other.position ? -1 : 1,
);
const TABLES = projectEvents(EVENTS);
const ESCROWS = [...TABLES.escrows.values()].map(toRow);
const [FIRST] = ESCROWS;

const world = new RelayWorld();
let bed: ApiBed;
beforeAll(async () => {
  await world.start();
  bed = await openApiBed(world, {
    events: EVENTS,
    progress: CHAINS.map((chainId) => ({ chainId, latest: 40, finalized: 20 })),
  });
});
afterAll(async () => {
  await bed?.stop();
  await world.stop();
});

describe("A list of escrows", () => {
  const pass = (keep: (row: (typeof ESCROWS)[number]) => boolean) => ESCROWS.filter(keep);
  const amounts = ESCROWS.map(({ amount }) => BigInt(amount ?? 0)).sort((a, b) => (a < b ? -1 : 1));
  const middle = amounts[Math.floor(amounts.length / 2)] ?? 0n;
  const { payer, payee, created_at } = FIRST ?? {};
  const arbiter = ESCROWS.find((row) => row.arbiter !== null)?.arbiter ?? null;

  test.each([
    ["", ESCROWS],
    ["chain_id=41022", pass(({ chain_id }) => chain_id === 41_022)],
    ["chainId=41022", pass(({ chain_id }) => chain_id === 41_022)],
    ["status=released", pass(({ status }) => status === "released")],
    ["status=released,refunded", pass(({ status }) => /released|refunded/.test(status))],
    [`payer=${payer}`, pass((row) => row.payer === payer)],
    [`party=${arbiter}`, pass((row) => [row.payer, row.payee, row.arbiter].includes(arbiter))],
    [
      `party=${payee}&role=payer,arbiter`,
      pass((row) => [row.payer, row.arbiter].includes(payee ?? null)),
    ],
    [`amount_min=${middle}`, pass(({ amount }) => amount !== null && BigInt(amount) >= middle)],
    [`amount_max=${middle - 1n}`, pass(({ amount }) => amount !== null && BigInt(amount) < middle)],
    [
      `created_from=${created_at}&created_before=${Number(created_at) + 60}`,
      pass((row) => Number(row.created_at) < Number(created_at) + 60),
    ],
    ["settled_from=0", pass((row) => row.settled_at !== null)],
    ["has_anomalies=true", pass(({ anomalies }) => anomalies > 0)],
    ["releasable_at=99999999999", pass((row) => row.releasable_from !== null)],
  ])("with ?%s has what passes the filter, and counts it", async (query, expected) => {
    const { rows, total } = await walk(
      "/v1/escrows",
      "escrows",
      `${query}&at=1&limit=4&total=true`,
    );
    expect(keysOf(rows)).toEqual(keysOf(expected));
    expect(total).toBe(expected.length);
  });

  test.each(["created_at", "amount", "releasable_from"])(
    "ordered by %s is so, both ways, with those that have none at the end",
    async (order) => {
      for (const direction of ["asc", "desc"]) {
        const query = `order_by=${order}&direction=${direction}&limit=3&at=1`;
        const { rows } = await walk("/v1/escrows", "escrows", query);
        expect(rows).toHaveLength(ESCROWS.length);
        const values = rows.map((row) => row[order] as string | null);
        const present = values.filter((value) => value !== null).map(BigInt);
        expect(values.slice(present.length).every((value) => value === null)).toBe(true);
        const sorted = present.toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0));
        expect(present).toEqual(direction === "asc" ? sorted : sorted.reverse());
      }
    },
  );
});

test("An escrow has its row, its approvals and its events, and each of these is a list of its own", async () => {
  for (const { chain_id, address } of ESCROWS) {
    const path = `/v1/escrows/${chain_id}/${address}`;
    const { releasable, approvals, events, events_omitted, ...row } = await get(`${path}?at=0`);
    expect(row).toEqual(
      ESCROWS.find((each) => each.chain_id === chain_id && each.address === address),
    );
    expect(releasable).toEqual({ at: "0", value: false });
    expect(events_omitted).toBe(0);
    expect((await walk(`${path}/events`, "events", "limit=2")).rows).toEqual(events);
    expect((await walk(`${path}/approvals`, "approvals", "limit=2")).rows).toEqual(approvals);
    expect(events).toHaveLength(row.version as number);
  }
});

test("Settlements, parties, minutes, totals and chains are what was put in", async () => {
  const { rows: settlements } = await walk("/v1/settlements", "settlements", "limit=2");
  expect(settlements.map(({ escrow }) => escrow).sort()).toEqual(
    [...TABLES.settlements.values()].map(({ escrow }) => escrow).sort(),
  );
  const { rows: parties } = await walk("/v1/parties", "parties", "limit=2");
  expect(parties).toHaveLength(TABLES.parties.size);
  for (const party of TABLES.parties.values())
    expect(await get(`/v1/parties/${party.chainId}/${party.address}`)).toEqual(toRow(party));
  const { rows: minutes } = await walk("/v1/settlement-minutes", "settlement_minutes", "limit=2");
  expect(minutes).toHaveLength(TABLES.minutes.size);
  expect((await walk("/v1/stats", "stats", "")).rows).toEqual(
    [...TABLES.stats.values()].map(toRow),
  );
  expect((await get("/v1/chains")).chains).toMatchObject(
    CHAINS.map((chain_id) => ({
      chain_id,
      indexed_block: 40,
      final_block: 20,
      verified_block: null,
    })),
  );
});

describe("A bad request", () => {
  const path = `/v1/escrows/${FIRST?.chain_id}/${FIRST?.address}`;
  test.each([
    ["/v1/escrows?limit=-1", 400, "limit", '"-1" is not a whole number from 1 to 1000'],
    ["/v1/escrows?limit=1001", 400, "limit", "is not a whole number from 1 to 1000"],
    ["/v1/escrows?status=bogus", 400, "status", '"bogus" is not a status: expected created'],
    ["/v1/escrows?payer=0x12", 400, "payer", '"0x12" is not an address'],
    ["/v1/escrows?payer=0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", 200, "", ""],
    ["/v1/escrows?payer=0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeD", 400, "payer", "checksum"],
    ["/v1/escrows?amount_min=1e3", 400, "amount_min", "is not an amount"],
    ["/v1/escrows?created_from=yesterday", 400, "created_from", "is not a time"],
    ["/v1/escrows?cursor=abc", 400, "cursor", "not a cursor"],
    ["/v1/escrows?order_by=payer", 400, "order_by", "is not an order: expected created_at"],
    ["/v1/escrows?total=1", 400, "total", "is not true or false"],
    [
      "/v1/escrows?chain_id=5",
      404,
      undefined,
      "chain 5 is not followed here (followed: 41021, 41022)",
    ],
    ["/v1/escrows?wanted=1", 400, "wanted", "there is no such parameter: expected chain_id"],
    ["/v1/settlements?outcome=x", 400, "outcome", "is not an outcome: expected released, refunded"],
    ["/v1/escrows/5/0x0000000000000000000000000000000000000000", 404, undefined, "chain 5"],
    ["/v1/escrows/x/0x0000000000000000000000000000000000000000", 400, "chain_id", "whole number"],
    [
      "/v1/escrows/41021/0x0000000000000000000000000000000000000000",
      404,
      undefined,
      "no escrow 0x0",
    ],
    [
      "/v1/escrows/41021/0x0000000000000000000000000000000000000000/events",
      404,
      undefined,
      "no escrow",
    ],
    ["/v1/parties/41021/0x0000000000000000000000000000000000000000", 404, undefined, "has no role"],
    [`${path}?as_of_block=41`, 400, "as_of_block", "the indexed head is block 40"],
    [`${path}?asOfBlock=latest`, 400, "as_of_block", '"latest" is not a whole number'],
    [`${path}?asofblock=1`, 400, "asofblock", "there is no such parameter"],
    ["/v1/nothing", 404, undefined, "no such path"],
  ])("%s is %s and says what is wrong", async (wrong, status, parameter, said) => {
    const answer = await fetch(`${bed.origin}${wrong}`);
    expect(answer.status).toBe(status);
    if (status === 200) return;
    expect(answer.headers.get("content-type")).toBe("application/problem+json");
    const body = (await answer.json()) as Json;
    expect(body.parameter).toBe(parameter);
    expect(body.detail).toContain(said);
  });
});

describe("An answer", () => {
  test("with a known ETag is 304 until an event is added", async () => {
    const path = `${bed.origin}/v1/escrows?at=1&limit=2`;
    const first = await fetch(path);
    const etag = first.headers.get("etag") ?? "";
    const ask = () => fetch(path, { headers: { "if-none-match": etag } });
    const second = await ask();
    expect({ status: second.status, body: await second.text() }).toEqual({ status: 304, body: "" });
    expect(second.headers.get("x-indexed-block")).toBe("41021=40 41022=40");
    expect((await fetch(`${bed.origin}/v1/escrows?at=2&limit=2`)).headers.get("etag")).not.toBe(
      etag,
    );
    await bed.owner.query(`update ${bed.deployment.schema}.chain_stat set events = events + 1`);
    expect((await ask()).status).toBe(200);
  });

  test("with a known ETag is made again when a reorg replaced the last block by one like it", async () => {
    const path = `${bed.origin}/v1/stats`;
    const etag = (await fetch(path)).headers.get("etag") ?? "";
    const { schema } = bed.deployment;
    await bed.owner.query(
      `update ${schema}.event e set block_hash = '0xff' from ${schema}.chain_stat s
       where s.chain_id = e.chain_id and s.last_event_block = e.block_number and s.chain_id = 41022`,
    );
    expect((await fetch(path, { headers: { "if-none-match": etag } })).status).toBe(200);
  });

  test("is compressed for who takes that, and plain for who does not", async () => {
    const ask = (encoding: string) =>
      fetch(`${bed.origin}/v1/escrows`, { headers: { "accept-encoding": encoding } });
    expect((await ask("gzip")).headers.get("content-encoding")).toBe("gzip");
    expect((await ask("identity")).headers.get("content-encoding")).toBeNull();
  });
});

test("Every route is in the OpenAPI document, and answers what it says there", async () => {
  const document = await get("/openapi.json");
  expect(document.openapi).toBe("3.1.0");
  const faultsOf = answersAsDocumented(document);
  const address = FIRST?.address ?? "";
  // The feeds are a journal's (`api-feed.test.ts`).
  const paths = Object.keys(document.paths as Json).filter((path) => !path.startsWith("/v1/feeds"));
  for (const path of paths) {
    const asked = path
      .replace("{chain_id}", "41021")
      .replace("{address}", pathAddress(path, address));
    expect({ path, faults: faultsOf(path, await get(asked)) }).toEqual({ path, faults: null });
  }
});

test("The reference page and all it loads come from here", async () => {
  const page = await (await fetch(`${bed.origin}/docs`)).text();
  const loads = [...page.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, url = ""]) => url);
  expect(loads).toEqual([
    "data:,",
    "/docs/swagger-ui.css",
    "/docs/swagger-ui-bundle.js",
    "/docs/show.js",
  ]);
  for (const url of loads.slice(1)) {
    const answer = await fetch(`${bed.origin}${url}`);
    expect({ url, status: answer.status }).toEqual({ url, status: 200 });
    expect(await answer.text()).not.toBe("");
  }
  expect(readFileSync("node_modules/swagger-ui-dist/swagger-ui.css", "utf8")).toBe(
    await (await fetch(`${bed.origin}/docs/swagger-ui.css`)).text(),
  );
});

function pathAddress(path: string, escrow: string): string {
  return path.startsWith("/v1/parties") ? (FIRST?.payer ?? "") : escrow;
}

/** Every page of a list, one after the other. */
async function walk(path: string, rows: string, query: string) {
  const all: Json[] = [];
  let total: unknown;
  for (let cursor: string | null = ""; cursor !== null; ) {
    const page: Json = await get(`${path}?${query}${cursor && `&cursor=${cursor}`}`);
    all.push(...(page[rows] as Json[]));
    total = page.total;
    cursor = page.next as string | null;
  }
  return { rows: all, total };
}

async function get(path: string): Promise<Json> {
  const answer = await fetch(`${bed.origin}${path}`);
  const body = await answer.json();
  expect({ path, status: answer.status, body }).toMatchObject({ status: 200 });
  return body as Json;
}

function keysOf(rows: readonly Json[]): string[] {
  return rows.map(({ chain_id, address }) => `${chain_id}/${address}`).sort();
}
