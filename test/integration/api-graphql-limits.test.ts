import { getIntrospectionQuery } from "graphql";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startApiBed } from "../support/api-bed.ts";
import { askGraphql } from "../support/ask-graphql.ts";
import { RelayWorld } from "../support/relay-world.ts";
import { waitUntil } from "../support/wait-until.ts";
import { FORK_HASHES, historyWithFork, PROGRESS, RELEASED } from "../verify/verified-history.ts";

/* What one question may cost: everything beyond is refused before anything is read. */

const world = new RelayWorld();
beforeAll(() => world.start());
afterAll(() => world.stop());

const ONE = `escrow(chainId: 1, address: "${RELEASED}")`;
const nested = (depth: number): string =>
  depth === 0 ? "address" : `events(first: 1) { nodes { escrow { ${nested(depth - 1)} } } }`;
/** Ten fragments, each of which spreads the next one twice. */
const bomb = Array.from(
  { length: 10 },
  (_, n) =>
    `fragment f${n} on Escrow { ${n === 9 ? "events(first: 100) { nodes { id } }" : `a${n}: payerTotals { x: escrows(first: 1) { nodes { ...f${n + 1} } } } ...f${n + 1}`} }`,
).join(" ");
const introspectionRound =
  "{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }";

const REFUSED: [what: string, question: string, status: number, message: RegExp][] = [
  [
    "nested pages",
    "{ escrows(first: 1000) { nodes { events(first: 100) { nodes { id } } } } }",
    422,
    /can answer up to 101000 rows.*the limit is 10000/,
  ],
  [
    "the same by aliases",
    `{ ${Array.from({ length: 11 }, (_, n) => `a${n}: escrows(first: 1000) { nodes { address } }`).join(" ")} }`,
    422,
    /up to 11000 rows/,
  ],
  [
    "the same in a fragment",
    "{ ...f } fragment f on Query { escrows(first: 1000) { ...g } } fragment g on EscrowConnection { edges { node { events(first: 100) { nodes { id } } } } }",
    422,
    /up to 101000 rows/,
  ],
  ["fragments that multiply", `{ ${ONE} { ...f0 } } ${bomb}`, 422, /rows/],
  [
    "counts of many pages",
    "{ escrows(first: 1000) { nodes { approvals(first: 1) { totalCount } } } }",
    422,
    /rows/,
  ],
  [
    "many past blocks",
    `{ ${Array.from({ length: 21 }, (_, n) => `a${n}: escrow(chainId: 1, address: "${RELEASED}", asOfBlock: 100) { status }`).join(" ")} }`,
    422,
    /rows/,
  ],
  ["depth", `{ ${ONE} { ${nested(4)} } }`, 400, /is 14 fields deep: the limit is 12/],
  [
    "aliases",
    `{ ${ONE} { ${Array.from({ length: 31 }, (_, n) => `a${n}: status`).join(" ")} } }`,
    400,
    /has 31 aliases: the limit is 30/,
  ],
  [
    "directives",
    `{ ${ONE} { ${"status @include(if: true) ".repeat(21)} } }`,
    400,
    /has 21 directives: the limit is 20/,
  ],
  ["tokens", `{ ${ONE} { ${"status ".repeat(2_000)} } }`, 400, /more that 2000 tokens/],
  ["the schema in circles", introspectionRound, 400, /goes from type to type too often/],
];

test("a question over a limit is refused with the limit's name, before anything is read", async () => {
  const api = await startApiBed(world, { events: [], progress: PROGRESS });
  // Whoever had to read for this would wait in vain.
  await api.owner.query("drop schema escrow cascade");
  for (const [what, question, status, message] of REFUSED)
    expect(await askGraphql(api, question), what).toMatchObject({
      status,
      errors: [{ message: expect.stringMatching(message) }],
    });
});

test("a body that is too large, a batch, a mutation and a form with files are refused", async () => {
  const { origin } = await startApiBed(world);
  const post = async (body: string, type = "application/json") => {
    const headers = { "content-type": type };
    return (await fetch(`${origin}/graphql`, { method: "POST", headers, body })).status;
  };
  expect(await post(JSON.stringify({ query: `{ chains { name } } #${" ".repeat(100_000)}` }))).toBe(
    413,
  );
  expect(await post(JSON.stringify([{ query: "{ chains { name } }" }]))).toBe(400);
  expect(await post(JSON.stringify({ query: "mutation { a }" }))).toBe(400);
  expect(await post("{")).toBe(400);
  expect(await post("x", "multipart/form-data; boundary=x")).toBe(415);
  expect((await fetch(`${origin}/graphql`, { method: "DELETE" })).status).toBe(405);
  expect(await post(JSON.stringify({ query: "{ chains { name } }" }))).toBe(200);
});

test("the usual introspection is answered, also while there is nothing to read", async () => {
  const api = await startApiBed(world);
  await api.owner.query("drop schema escrow cascade");
  const { status, data } = await askGraphql(api, getIntrospectionQuery());
  expect({ status, data }).toMatchObject({ status: 200, data: { __schema: {} } });
});

test("a question's query ends in the database when its client leaves", async () => {
  const { origin, owner } = await startApiBed(world, {
    events: historyWithFork(FORK_HASHES.first),
    progress: PROGRESS,
  });
  await owner.query(`
    create function slow() returns boolean language sql volatile as 'select pg_sleep(60) is not null';
    alter view escrow.escrow rename to real_escrow;
    create view escrow.escrow as select * from escrow.real_escrow where slow()`);
  const running = async (): Promise<number> => {
    const { rows } = await owner.query(
      `select from pg_stat_activity where state = 'active' and query like '%"escrow"."escrow"%' and pid <> pg_backend_pid()`,
    );
    return rows.length;
  };
  const leaving = new AbortController();
  const asking = fetch(`${origin}/graphql`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ query: "{ escrows { nodes { address } } }" }),
    signal: leaving.signal,
  }).catch(() => undefined);
  await waitUntil("the query runs", async () => (await running()) === 1);
  leaving.abort();
  await asking;
  await waitUntil("the query has ended", async () => (await running()) === 0);
});
