import { type Address, zeroAddress } from "viem";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { freePort } from "../../local/free-port.ts";
import { playFirstHalf, playSecondHalf } from "../support/deal-script.ts";
import { escrowsOn } from "../support/expected-messages.ts";
import { readContract } from "../support/read-contract.ts";
import { ServiceProcess } from "../support/service-process.ts";
import { TestChain } from "../support/test-chain.ts";
import { TestWorld } from "../support/test-world.ts";
import { waitUntil } from "../support/wait-until.ts";

/*
 * Two chains with both revisions, indexed by the real engine. What the query side says of a block
 * long past is compared with what the contracts themselves answer at that block.
 */

type Json = Record<string, unknown>;
type Event = Json & { block_number: number; type: string; stream_version: number; id: string };
type Escrow = Json & { events: Event[]; approvals: Json[] };

const ROLES = ["payer", "payee", "arbiter"] as const;

let world: TestWorld;
let chains: TestChain[];
let env: Record<string, string>;
let api: string;
let indexer: ServiceProcess;
const heads = new Map<number, number>();

beforeAll(async () => {
  world = await TestWorld.create();
  chains = [
    world.ends(await TestChain.start(41_011, 1_000)),
    world.ends(await TestChain.start(41_012, 1_000)),
  ];
  await Promise.all(
    chains.map(async (chain, at) => {
      const open = await playFirstHalf(chain);
      if (at === 0) await playSecondHalf(chain, open);
      heads.set(chain.chainId, Number(await chain.client.getBlockNumber()));
    }),
  );
  const [apiPort, indexerPort] = [await freePort(), await freePort()];
  api = `http://127.0.0.1:${apiPort}`;
  env = {
    ...TestChain.environment(chains),
    DATABASE_URL: await world.createDatabase(),
    API_PORT: String(apiPort),
    INDEXER_PORT: String(indexerPort),
  };
  indexer = world.ends(new ServiceProcess("indexer", { env }));
  await waitUntil("the backfill is done", async () => {
    return (await fetch(`http://127.0.0.1:${indexerPort}/ready`)).ok;
  }).catch(tellOutput);
  world.ends(new ServiceProcess("api", { env }));
  const all = chains.map(({ chainId }) => `${chainId}=${heads.get(chainId)}`).join(" ");
  await waitUntil("every block is indexed", async () => {
    const { headers } = await fetch(`${api}/v1/escrows`);
    return headers.get("x-indexed-block") === all;
  }).catch(tellOutput);
});

afterAll(() => world?.end());

describe("An escrow as of a block", () => {
  test("is over REST what its contract answers at that block, with the events and approvals up to there [G-9]", async () => {
    let compared = 0;
    for (const chain of chains)
      for (const address of await escrowsOn(chain)) {
        const now = await getEscrow(chain, address, "");
        const { people } = await partiesOf(chain, address);
        for (const block of blocksAround(chain, now.events)) {
          const { timestamp } = await chain.client.getBlock({ blockNumber: BigInt(block) });
          const then = await getEscrow(chain, address, `?asOfBlock=${block}&at=${timestamp}`);
          const contract = await readContract(chain, address, people, block);
          const { isReleasable, approvers, ...plain } = { ...contract, arbiter: orNone(contract) };
          expect(then).toMatchObject({ chain_id: chain.chainId, address, ...plain });
          expect(then.releasable).toEqual({ at: String(timestamp), value: isReleasable });
          expect([...(then.approvers as string[])].sort()).toEqual([...approvers].sort());
          const upTo = (rows: Json[]) => rows.filter((each) => Number(each.block_number) <= block);
          expect(then.events).toEqual(upTo(now.events));
          expect(then.approvals).toEqual(upTo(now.approvals));
          expect(then).toMatchObject({ version: then.events.length, events_omitted: 0 });
          compared += 1;
        }
      }
    expect(compared).toBeGreaterThan(50);
  });

  test("at the indexed head is the escrow as it is now", async () => {
    for (const chain of chains)
      for (const address of await escrowsOn(chain)) {
        const { releasable: _clock, ...now } = await getEscrow(chain, address, "");
        const head = heads.get(chain.chainId) ?? 0;
        expect(await getEscrow(chain, address, `?asOfBlock=${head}`)).toEqual({
          as_of: { block: head, is_final: false },
          ...now,
          events_omitted: 0,
        });
      }
  });

  test("is refused with the indexed head above it, with its first block before its creation, and for what is no block", async () => {
    const [chain] = chains;
    if (chain === undefined) throw new Error("no chain");
    const head = heads.get(chain.chainId) ?? 0;
    const [address] = (await escrowsOn(chain)) as [Address];
    const [first] = (await getEscrow(chain, address, "")).events;
    const created = first?.block_number ?? 0;
    const path = `/v1/escrows/${chain.chainId}/${address}`;
    await expectRefusal(`${path}?asOfBlock=${head + 1}`, 400, `indexed head is block ${head}`);
    await expectRefusal(
      `${path}?asOfBlock=${created - 1}`,
      404,
      `did not exist at block ${created - 1}: its first event is in block ${created}`,
    );
    for (const wrong of ["latest", "-1", "1.5", "0x10", "", "99999999999999999999"])
      await expectRefusal(`${path}?asOfBlock=${wrong}`, 400, `"${wrong}" is not a whole number`);
    await expectRefusal(`${path}?asofblock=1`, 400, "there is no such parameter");
    await expectRefusal(`/v1/escrows/5/${address}?asOfBlock=1`, 404, "chain 5 is not followed");
    const nobody = `/v1/escrows/${chain.chainId}/${zeroAddress}?asOfBlock=${head}`;
    await expectRefusal(nobody, 404, `no escrow ${zeroAddress} is known`);
  });
});

describe("A party as of a block", () => {
  test("has open and settled what its escrows, as they were then, add up to", async () => {
    for (const chain of chains) {
      const addresses = await escrowsOn(chain);
      const histories = await Promise.all(
        addresses.map(async (address) => ({
          address,
          events: (await getEscrow(chain, address, "")).events,
        })),
      );
      const { arbiter, payer, stranger } = chain;
      for (const block of someBlocks(
        histories.flatMap(({ events }) => events),
        chain,
      )) {
        const existing = histories.filter(({ events }) =>
          events.some(({ block_number }) => block_number <= block),
        );
        const states = await Promise.all(
          existing.map(({ address }) => getEscrow(chain, address, `?asOfBlock=${block}`)),
        );
        for (const person of [arbiter, payer, stranger].map((each) => each.toLowerCase()))
          await expectParty(chain, person, block, states);
      }
    }
  });

  test("at the indexed head is the party as it is now", async () => {
    for (const chain of chains)
      for (const person of [chain.payer, chain.payee, chain.arbiter, chain.stranger]) {
        const head = heads.get(chain.chainId) ?? 0;
        const path = `/v1/parties/${chain.chainId}/${person}`;
        const { as_of, ...then } = await get(`${path}?asOfBlock=${head}`);
        expect(as_of).toEqual({ block: head, is_final: false });
        expect(then).toEqual(await get(path));
      }
  });

  test("is refused like an escrow, and for an address without a role", async () => {
    const [chain] = chains;
    if (chain === undefined) throw new Error("no chain");
    const path = `/v1/parties/${chain.chainId}/${chain.payer}`;
    const head = heads.get(chain.chainId) ?? 0;
    await expectRefusal(`${path}?asOfBlock=${head + 1}`, 400, `indexed head is block ${head}`);
    await expectRefusal(`${path}?asOfBlock=0`, 404, "had no role in any escrow");
    await expectRefusal(`${path}?block=0`, 400, "there is no such parameter");
    await expectRefusal(`/v1/parties/${chain.chainId}/${zeroAddress}`, 404, "has no role");
    await expectRefusal(`/v1/parties/${chain.chainId}/0x12`, 400, "is not an address");
  });
});

describe("npm run state", () => {
  test("prints what REST says of that block, by the chain's id or name, and its events", async () => {
    const [, chain] = chains;
    if (chain === undefined) throw new Error("no chain");
    const address = (await escrowsOn(chain))[0] ?? zeroAddress;
    const { events } = await getEscrow(chain, address, "");
    const block = events[2]?.block_number ?? 0;
    const rest = await getEscrow(chain, address, `?asOfBlock=${block}`);
    const [json, text] = await Promise.all([
      state([String(chain.chainId), address, "--block", String(block), "--json"]),
      state([`chain-${chain.chainId}`, address.toUpperCase().replace("X", "x")]),
    ]);
    const { events_omitted: _omitted, ...expected } = rest;
    expect(JSON.parse(json.stdoutLines.join(""))).toEqual(expected);
    const now = await getEscrow(chain, address, "");
    expect(text.output).toContain(`at block ${heads.get(chain.chainId)}, not final yet`);
    expect(text.output).toMatch(new RegExp(`status +${now.status}\n`));
    for (const { type, stream_version } of events)
      expect(text.output).toMatch(new RegExp(`#${stream_version} block .* ${type} `));
  });

  test("says what is wrong, and exits with 78 for a mistake and 1 when there is nothing to show", async () => {
    const chain = String(chains[0]?.chainId);
    const head = heads.get(Number(chain)) ?? 0;
    const wrong: [string[], number, string][] = [
      [[chain, "0x12"], 78, '"0x12" is not an address'],
      [[chain, zeroAddress, "--schema", "a;b"], 78, "is not a schema's name"],
      [["nowhere", zeroAddress], 1, `followed: ${chain} (chain-${chain})`],
      [[chain, zeroAddress, "--block", String(head + 1)], 1, `indexed head is block ${head}`],
      [[chain, zeroAddress, "--schema", "public"], 78, 'no deployment in schema "public"'],
    ];
    const runs = await Promise.all(wrong.map(([args]) => state(args, false)));
    for (const [at, run] of runs.entries()) {
      const [args, code, words] = wrong[at] ?? [];
      expect({ args, ...(await run.exited) }).toEqual({ args, code, signal: null });
      expect(run.output).toContain(words);
    }
  });
});

test("GraphQL gives the events of an escrow in the order of their versions", async () => {
  for (const chain of chains)
    for (const address of await escrowsOn(chain)) {
      const query = `{ escrow(chainId: ${chain.chainId}, address: "${address}") { version events(first: 100, orderBy: { by: POSITION, direction: ASC }) { nodes { id streamVersion schemaVersion type blockNumber } } } }`;
      const response = await fetch(`${api}/graphql`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ query }),
      });
      const { data } = (await response.json()) as {
        data: { escrow: { events: { nodes: Json[] } } };
      };
      const now = await getEscrow(chain, address, "");
      expect(data.escrow).toEqual({
        version: now.version,
        events: {
          nodes: now.events.map((each) => ({
            id: each.id,
            streamVersion: each.stream_version,
            schemaVersion: 1,
            type: each.type,
            blockNumber: each.block_number,
          })),
        },
      });
    }
});

test("An export of everything, imported into an empty database, gives the API the same answers", async () => {
  const file = world.freshFolder().concat(".ndjson.gz");
  const exported = new ServiceProcess("export", {
    args: ["--out", file],
    env: { DATABASE_URL: env.DATABASE_URL ?? "" },
  });
  expect((await exported.exited).code, exported.output).toBe(0);
  const copy = { ...env, DATABASE_URL: await world.createDatabase() };
  const imported = new ServiceProcess("import", { args: [file], env: copy });
  expect((await imported.exited).code, imported.output).toBe(0);

  const port = await freePort();
  const server = new ServiceProcess("api", { env: { ...copy, API_PORT: String(port) } });
  world.ends(server);
  const asked = chains.flatMap(({ chainId, payer }) => [
    `/v1/escrows?chainId=${chainId}&limit=1000&at=1`,
    `/v1/parties/${chainId}/${payer}`,
    `/v1/parties/${chainId}/${payer}?asOfBlock=${heads.get(chainId)}`,
  ]);
  const answers = (base: string) =>
    Promise.all(asked.map(async (path) => (await fetch(`${base}${path}`)).json()));
  const there = await waitUntil("the copy is served", () => answers(`http://127.0.0.1:${port}`));
  expect(there).toEqual(await answers(api));
  await expectHonesty(`http://127.0.0.1:${port}`, copy.DATABASE_URL);
});

/** What no chain of ours does: an arbiter replaced by a change that names another, and a hole. */
async function expectHonesty(base: string, database: string): Promise<void> {
  const [created] = await world.query<{ stream: string; chain_id: string; block_number: string }>(
    database,
    `select e.stream, e.chain_id, e.block_number from escrow.event e
     join escrow.escrow s on s.chain_id = e.chain_id and s.address = e.stream
     where e.type = 'EscrowCreated' and s.arbiter = e.payload ->> 'arbiter' and s.version > 3
     limit 1`,
  );
  if (created === undefined) throw new Error("no escrow has its first arbiter");
  const { stream, chain_id, block_number } = created;
  const [state] = await world.query<{ arbiter: string }>(
    database,
    "select arbiter from escrow.escrow where chain_id = $1 and address = $2",
    [chain_id, stream],
  );
  const party = `${base}/v1/parties/${chain_id}/${state?.arbiter}?asOfBlock=${block_number}`;
  const before = await (await fetch(party)).json();
  expect(before).toMatchObject({ arbiter_open_count: expect.any(Number) });
  await world.query(
    database,
    `insert into escrow_import.event
     select chain_id, id || '-x', position || 'x', stream, stream_version + 1, 'ArbiterChanged', 1,
       revision, emitter, block_number, block_hash, block_timestamp, transaction_hash, log_index + 1,
       '{"old_arbiter": "${zeroAddress}", "new_arbiter": "${zeroAddress}"}', 'the arbiter was not absent', null
     from escrow_import.event
     where chain_id = $1 and stream = $2 order by stream_version desc limit 1`,
    [chain_id, stream],
  );
  await world.query(
    database,
    "update escrow_import.escrow set arbiter = null where chain_id = $1 and address = $2",
    [chain_id, stream],
  );
  expect(await (await fetch(party)).json()).toEqual(before);

  await world.query(
    database,
    "delete from escrow_import.event where chain_id = $1 and stream = $2 and stream_version = 2",
    [chain_id, stream],
  );
  const head = heads.get(Number(chain_id));
  const broken = await fetch(`${base}/v1/escrows/${chain_id}/${stream}?asOfBlock=${head}`);
  expect(broken.status).toBe(500);
  expect(JSON.stringify(await broken.json())).toContain("the event store is not complete");
}

/** The blocks of an escrow's events, and those after its creation and its last event. */
function blocksAround(chain: TestChain, events: Event[]): number[] {
  const head = heads.get(chain.chainId) ?? 0;
  const blocks = events.map(({ block_number }) => block_number);
  const after = [Math.min(...blocks) + 1, Math.max(...blocks) + 1];
  return [...new Set([...blocks, ...after])].filter((block) => block <= head);
}

/** Some blocks, and those before an arbiter changes. */
function someBlocks(events: Event[], chain: TestChain): number[] {
  const blocks = [...new Set(events.map(({ block_number }) => block_number))].sort((a, b) => a - b);
  const changes = events.filter(({ type }) => type === "ArbiterChanged");
  return [
    ...blocks.filter((_, at) => at % 10 === 5),
    ...changes.map(({ block_number }) => block_number - 1),
    heads.get(chain.chainId) ?? 0,
  ];
}

async function expectParty(chain: TestChain, person: string, block: number, states: Escrow[]) {
  const expected = new Map<string, bigint>();
  for (const each of states)
    for (const role of ROLES) {
      if (each[role] !== person) continue;
      const hasEnded = each.status === "released" || each.status === "refunded";
      const name = `${role}_${hasEnded ? "settled" : "open"}`;
      const add = (what: string, n: bigint) => expected.set(what, (expected.get(what) ?? 0n) + n);
      add(`${name}_count`, 1n);
      add(`${name}_amount`, BigInt(String(each.amount)));
    }
  const response = await fetch(`${api}/v1/parties/${chain.chainId}/${person}?asOfBlock=${block}`);
  if (response.status === 404) {
    expect([...expected]).toEqual([]);
    return;
  }
  const party = (await response.json()) as Json;
  for (const role of ROLES)
    for (const kind of ["open_count", "open_amount", "settled_count", "settled_amount"]) {
      const name = `${role}_${kind}`;
      const where = `${person} ${name} at block ${block} of chain ${chain.chainId}`;
      expect(BigInt(String(party[name])), where).toBe(expected.get(name) ?? 0n);
    }
}

async function partiesOf(chain: TestChain, escrow: Address): Promise<{ people: Address[] }> {
  const { payer, payee, arbiter } = await readContract(chain, escrow, []);
  const all = [chain.payer, chain.payee, chain.arbiter, chain.stranger, payer, payee, arbiter];
  return { people: [...new Set(all.map((each) => each.toLowerCase() as Address))] };
}

async function get(path: string): Promise<Json> {
  const response = await fetch(`${api}${path}`);
  const body = (await response.json()) as Json;
  expect({ path, status: response.status, body }).toMatchObject({ status: 200 });
  return body;
}

async function getEscrow(chain: TestChain, address: Address, query: string): Promise<Escrow> {
  return (await get(`/v1/escrows/${chain.chainId}/${address}${query}`)) as Escrow;
}

async function expectRefusal(path: string, status: number, words: string): Promise<void> {
  const response = await fetch(`${api}${path}`);
  const problem = (await response.json()) as { detail?: string };
  expect({ path, status: response.status }).toEqual({ path, status });
  expect(problem.detail).toContain(words);
}

async function state(args: string[], mustWork = true): Promise<ServiceProcess> {
  const run = new ServiceProcess("state", { args, env: { DATABASE_URL: env.DATABASE_URL ?? "" } });
  const exit = await run.exited;
  if (mustWork) expect(exit, run.output).toEqual({ code: 0, signal: null });
  return run;
}

function tellOutput(error: unknown): never {
  throw new Error(indexer.output.slice(-3000), { cause: error });
}

/** The read model's word for no arbiter is null. */
function orNone({ arbiter }: { arbiter: string }): string | null {
  return arbiter === zeroAddress ? null : arbiter;
}
