import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { newKey, sha256Of } from "../../apps/api/access/api-key.ts";
import { addKey, ensureKeyTable, revokeKey } from "../../apps/api/access/key-table.ts";
import { withClient } from "../../db/with-client.ts";
import { answersAsDocumented } from "../support/answers-as-documented.ts";
import { type ApiBed, startApiBed } from "../support/api-bed.ts";
import { apiBehindGate } from "../support/api-behind-gate.ts";
import { FeedClient } from "../support/feed-client.ts";
import { escrowOf, JournalWriter } from "../support/journal-writer.ts";
import { RelayWorld } from "../support/relay-world.ts";
import type { TcpGate } from "../support/tcp-gate.ts";
import { waitUntil } from "../support/wait-until.ts";

/* The feed over HTTP: its pages and its streams, on a journal that is written by hand. */

const TOPIC = "chain.events.v1";
const PAGES = `/v1/feeds/${TOPIC}`;
const STREAM = `${PAGES}/stream`;

const world = new RelayWorld();
beforeAll(() => world.start());
afterAll(() => world.stop());

// biome-ignore lint/suspicious/noExplicitAny: the shape is what was asked for
type Answer = any;

async function bedWithJournal(options: Parameters<typeof startApiBed>[1] = {}) {
  const bed = await startApiBed(world, options);
  return { bed, journal: await JournalWriter.create(bed.owner) };
}

async function ask({ origin }: ApiBed, path: string, headers: Record<string, string> = {}) {
  const answer = await fetch(`${origin}${path}`, { headers });
  const text = await answer.text();
  return { answer, status: answer.status, body: (text === "" ? null : JSON.parse(text)) as Answer };
}

function follow(
  bed: ApiBed,
  path = STREAM,
  more: Partial<ConstructorParameters<typeof FeedClient>[0]> = {},
) {
  const client = new FeedClient({ origin: () => bed.origin, path, ...more });
  onTestFinished(() => client.stop());
  return client;
}

const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, at) => from + at);

const dummies = (count: number) => Array.from({ length: count }, () => ({}));

test("Pages give every message once, in order, with the bytes and attributes of Pub/Sub, retractions too", async () => {
  const { bed, journal } = await bedWithJournal();
  await journal.append({ fields: { note: 'ü \u2028 " \\ 12345678901234567890' } }, {});
  await journal.append({ key: escrowOf(2) });
  const retraction = await journal.retract(journal.at(2));
  await journal.accepted(journal.at(1).key, 1);
  expect((await ask(bed, "/v1/feeds")).body).toEqual({
    feeds: [{ publication: TOPIC, finality: "provisional", first_offset: 1, last_offset: 4 }],
  });
  const faultsOf = answersAsDocumented((await ask(bed, "/openapi.json")).body);
  expect(faultsOf("/v1/feeds", (await ask(bed, "/v1/feeds")).body)).toBe(null);
  expect(faultsOf("/v1/feeds/{publication}", (await ask(bed, PAGES)).body)).toBe(null);
  const seen: Answer[] = [];
  let next = 0;
  for (let more = true; more; ) {
    const { body } = await ask(bed, `${PAGES}?after=${next}&limit=3`);
    seen.push(...body.messages);
    ({ next, more } = body);
  }
  expect(seen.map(({ offset }) => offset)).toEqual([1, 2, 3, 4]);
  expect(seen.map(({ data }) => data)).toEqual(journal.written.map(({ body }) => body));
  expect(seen.map(({ accepted }) => accepted)).toEqual([true, false, false, false]);
  expect(seen[3]).toMatchObject({
    kind: "retraction",
    event_id: journal.at(2).eventId,
    sequence: retraction.sequence,
    attributes: {
      event_type: "EventRetracted",
      retracts: journal.at(2).eventId,
      publication: TOPIC,
    },
  });
  expect((await ask(bed, `${PAGES}?after=4`)).body).toMatchObject({
    messages: [],
    next: 4,
    more: false,
  });
});

test("A full page of the past may be kept, any other is asked after, and 304 says that it is the same", async () => {
  const { bed, journal } = await bedWithJournal();
  await journal.append(...dummies(5));
  const cacheOf = async (path: string) =>
    (await ask(bed, path)).answer.headers.get("cache-control");
  expect(await cacheOf(`${PAGES}?limit=2`)).toBe("no-cache");
  await journal.accepted(journal.at(1).key, 5);
  expect(await cacheOf(`${PAGES}?limit=2`)).toContain("immutable");
  expect(await cacheOf(`${PAGES}?limit=5`)).toBe("no-cache");
  const { answer } = await ask(bed, PAGES);
  const etag = answer.headers.get("etag") ?? "";
  expect((await ask(bed, PAGES, { "if-none-match": etag })).status).toBe(304);
  await journal.append({});
  expect((await ask(bed, PAGES, { "if-none-match": etag })).status).toBe(200);
});

test("A page ends before it gets too long, and goes on without a gap", async () => {
  const { bed, journal } = await bedWithJournal();
  const note = "x".repeat(400_000);
  await journal.append(...Array.from({ length: 5 }, () => ({ fields: { note } })));
  const sizes: number[] = [];
  let next = 0;
  for (let more = true; more; ) {
    const { body } = await ask(bed, `${PAGES}?after=${next}`);
    sizes.push(body.messages.length);
    ({ next, more } = body);
  }
  expect(sizes).toEqual([2, 2, 1]);
});

test("[G-25] An offset that no message has is 410 with where to begin, on pages and streams, and never a jump", async () => {
  const { bed, journal } = await bedWithJournal();
  await journal.append(...dummies(3));
  for (const path of [`${PAGES}?after=4`, `${STREAM}?after=99`]) {
    const { answer, status, body } = await ask(bed, path);
    expect({ path, status }).toEqual({ path, status: 410 });
    expect(answer.headers.get("content-type")).toBe("application/problem+json");
    expect(body).toMatchObject({
      ...{ code: "ES-FEED-OFFSET", first_offset: 1, last_offset: 3, begin_after: 0 },
    });
  }
  expect((await ask(bed, STREAM, { "last-event-id": "4" })).status).toBe(410);
  // As if the first two were not kept any more.
  await bed.owner.query("delete from relay.feed_entry where feed_offset < 3");
  await waitUntil("that is known", async () => (await ask(bed, `${PAGES}?after=1`)).status === 410);
  expect((await ask(bed, PAGES)).body).toMatchObject({ begin_after: 2, first_offset: 3 });
  expect((await ask(bed, `${PAGES}?after=2`)).body.messages).toHaveLength(1);
});

test("[G-25] A stream begins where its client was, says each message once as it is captured, and gives nothing else an id", async () => {
  const { bed, journal } = await bedWithJournal();
  await journal.append(...dummies(1_200));
  const all = follow(bed);
  const late = follow(bed, `${STREAM}?after=1198`);
  const back = follow(bed, `${STREAM}?after=3`, { headers: { "last-event-id": "1199" } });
  await waitUntil("all have what there was", () => all.messages.length === 1_200);
  await waitUntil("all are live", () =>
    [all, late, back].every(({ controls }) => controls.at(-1)?.data.state === "live"),
  );
  await journal.append(...dummies(3));
  const retraction = await journal.retract(journal.at(1));
  await waitUntil("they have what came", () =>
    [all, late, back].every(({ lastId }) => lastId === String(retraction.offset)),
  );
  expect(all.ids).toEqual(range(1, 1_204));
  expect(late.ids).toEqual(range(1_199, 1_204));
  expect(back.ids).toEqual(range(1_200, 1_204));
  const { body } = await ask(bed, `${PAGES}?after=1203`);
  expect(JSON.parse(all.messages.at(-1)?.data ?? "")).toEqual(body.messages[0]);
  expect([all, late, back].map(({ otherIds }) => otherIds)).toEqual([0, 0, 0]);
  expect(all.retryMs).toBeGreaterThanOrEqual(1_000);
});

test("[G-25] A filter lets a retraction through when it let through what is retracted", async () => {
  const { bed, journal } = await bedWithJournal();
  const [one, two] = [escrowOf(1), escrowOf(2)];
  const [payer, arbiter, approver] = [escrowOf(11), escrowOf(12), escrowOf(13)];
  await journal.append({
    key: one,
    type: "EscrowCreated",
    fields: { payer, payee: two, arbiter },
  });
  await journal.append({ key: two, chainId: 8, fields: { approver: escrowOf(14) } });
  await journal.append({ key: one, fields: { approver } });
  await journal.append({
    key: one,
    type: "ArbiterChanged",
    fields: { old_arbiter: arbiter, new_arbiter: two },
  });
  await journal.retract(journal.at(3));
  await journal.retract(journal.at(1));
  const expected: [string, number[]][] = [
    ["chain_id=8", [2]],
    [`escrow=${one}`, [1, 3, 4, 5, 6]],
    [`party=${payer}`, [1, 6]],
    [`party=${arbiter}`, [1, 4, 6]],
    [`party=${approver}`, [3, 5]],
    ["type=Approved", [2, 3, 5]],
    ["type=EventRetracted", [5, 6]],
    [`type=Approved,EscrowCreated&chain_id=7&party=${payer}`, [1, 6]],
    [`escrow=${escrowOf(3)}`, []],
  ];
  for (const [filter, ids] of expected) {
    const client = follow(bed, `${STREAM}?${filter}`);
    await waitUntil(`${filter} is live`, () => client.controls.at(-1)?.data.state === "live");
    expect({ filter, ids: client.ids }).toEqual({ filter, ids });
    expect(client.readTo).toBe(6);
  }
});

test("A key that is revoked ends its streams within seconds, and one that lacks the scope opens none", async () => {
  const { bed, journal } = await bedWithJournal();
  await journal.append({});
  const anonymous = follow(bed);
  await waitUntil("it is open", () => anonymous.messages.length === 1);
  const [key, other] = [newKey(), newKey()];
  await withClient(bed.databaseUrl, async (client) => {
    await ensureKeyTable(client);
    const add = (name: string, of: string, scopes: ("read" | "feed")[]) =>
      addKey(client, { name, sha256: sha256Of(of), scopes, expiresAt: null });
    await add("feed", key, ["feed"]);
    await add("read", other, ["read"]);
  });
  await waitUntil("nobody follows without a key", () => !anonymous.isOpen);
  expect(anonymous.controls.at(-1)).toMatchObject({
    event: "end",
    data: { reason: "key-refused" },
  });
  expect((await ask(bed, STREAM)).status).toBe(401);
  expect((await ask(bed, STREAM, { "x-api-key": other })).status).toBe(403);
  const client = follow(bed, STREAM, { headers: { "x-api-key": key } });
  await waitUntil("it is open", () => client.messages.length === 1);
  await withClient(bed.databaseUrl, (connected) => revokeKey(connected, "feed"));
  await waitUntil("it is ended", () => !client.isOpen);
  expect(client.controls.at(-1)?.event).toBe("end");
});

test("Streams are limited for each client and in all, and make room when they end", async () => {
  const { bed, journal } = await bedWithJournal({
    settings: { streams: 4, streamsPerClient: 3, proxies: 1 },
  });
  await journal.append({});
  const from = (address: string) =>
    follow(bed, STREAM, { headers: { "x-forwarded-for": address } });
  const three = ["10.0.0.1", "10.0.0.1", "10.0.0.1"].map(from);
  await waitUntil("three are open", () => three.every(({ isOpen }) => isOpen));
  const fourth = from("10.0.0.1");
  await waitUntil("the fourth is refused", () => fourth.status === 429);
  const other = from("10.0.0.2");
  await waitUntil("another client's is open", () => other.isOpen);
  const last = from("10.0.0.3");
  await waitUntil("there are too many in all", () => last.status === 503);
  three[0]?.stop();
  await waitUntil("there is room", async () => {
    const next = from("10.0.0.1");
    await waitUntil("it is answered", () => next.status !== null);
    return next.isOpen;
  });
});

test("A stream ends with a word when the process does, at once", async () => {
  const { bed, journal } = await bedWithJournal();
  await journal.append({});
  const client = follow(bed);
  await waitUntil("it is open", () => client.messages.length === 1);
  const startedMs = performance.now();
  await bed.stop();
  // Not the bound after which connections are cut.
  expect(performance.now() - startedMs).toBeLessThan(4_000);
  expect(client.controls.at(-1)).toEqual({
    event: "end",
    data: { reason: "shutdown", read_to: 1 },
  });
});

test("[G-25] A client that takes nothing is dropped without holding up anybody, and goes on where it was", async () => {
  const { bed, journal } = await bedWithJournal({ settings: { stalledMs: 1_000 } });
  const note = "x".repeat(100_000);
  await journal.append(...Array.from({ length: 200 }, () => ({ fields: { note } })));
  const slow = follow(bed);
  await waitUntil("it has begun", () => slow.messages.length > 0);
  slow.pause();
  const other = follow(bed);
  await waitUntil("another one has everything", () => other.messages.length === 200);
  const metrics = async () => await (await fetch(`${bed.origin}/metrics`)).text();
  await waitUntil("it is dropped", async () => /^api_streams_dropped 1$/m.test(await metrics()));
  expect(await metrics()).toMatch(/^api_streams 1$/m);
  const back = follow(bed, STREAM, { headers: { "last-event-id": slow.lastId ?? "" } });
  await waitUntil("it has the rest", () => slow.ids.length + back.ids.length === 200);
  expect([...slow.ids, ...back.ids]).toEqual(range(1, 200));
});

test("[G-25] Heartbeats have no id, and where a filter lets nothing through, they say how far it was looked", async () => {
  const { bed, journal } = await bedWithJournal({ settings: { heartbeatMs: 300 } });
  await journal.append(...dummies(1_300));
  const path = `${STREAM}?escrow=${escrowOf(2)}`;
  const client = follow(bed, path);
  await waitUntil("it says how far", () => client.readTo === 1_300);
  await waitUntil("it is still there", () => client.comments > 2);
  expect([client.lastId, client.otherIds, client.messages.length]).toEqual([null, 0, 0]);
  await journal.append(...dummies(2));
  await waitUntil("it says how far", () => client.readTo === 1_302);
  client.stop();
  // It has no id, so it begins where it began.
  const back = follow(bed, path);
  await waitUntil("it is back", () => back.readTo === 1_302);
  await journal.append({ key: escrowOf(2) });
  await waitUntil("the message is said", () => back.lastId === "1303");
});

describe.each([
  ["frozen", (gate: TcpGate) => gate.freeze(), (gate: TcpGate) => gate.thaw()],
  ["gone", (gate: TcpGate) => gate.shut(), (gate: TcpGate) => gate.open()],
])("While the database is %s", (_, close, open) => {
  test("[G-25] streams stay and say so, new ones are refused, and both go on without a gap", async () => {
    const { bed, gate } = await apiBehindGate(world);
    const journal = await JournalWriter.create(bed.owner);
    await journal.append({});
    const client = follow(bed);
    await waitUntil("it is live", () => client.controls.at(-1)?.data.state === "live");
    close(gate);
    await journal.append(...dummies(3));
    await waitUntil("it says so", () => client.controls.at(-1)?.data.state === "away");
    await waitUntil("new ones are refused", async () => (await ask(bed, STREAM)).status === 503);
    open(gate);
    await waitUntil("it goes on", () => client.messages.length === 4);
    expect(client.ids).toEqual(range(1, 4));
    expect(client.connections).toBe(1);
    await waitUntil("new ones are let in", () => {
      const next = follow(bed, `${STREAM}?after=3`);
      return waitUntil("it is answered", () => next.status !== null).then(() => next.isOpen);
    });
  });
});
