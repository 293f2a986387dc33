import type { BlockEvidence } from "@escrow-stream/relay";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { type RunningApi, startApi } from "../../apps/api/start-api.ts";
import { API_SETTINGS } from "../support/api-bed.ts";
import { FeedClient } from "../support/feed-client.ts";
import { RelayBed } from "../support/relay-bed.ts";
import type { OutboxRow } from "../support/stand-in-outbox.ts";
import { waitUntil } from "../support/wait-until.ts";

/* Many streams while everything behind them stops, starts and changes its mind. The long form is
 * `npm run bench -- streams`. */

const CLIENTS = 50;
const KEYS = 20;
const FEED = "/v1/feeds/topic-a";
const TYPES = ["Approved", "EscrowReleased"];

const bed = new RelayBed();
beforeAll(async () => {
  await bed.start();
  await bed.renew();
});
afterAll(() => bed.stop());

const replaced = new Set<string>();
const evidence: BlockEvidence = {
  isReplaced: async (_chainId, _number, hash) => replaced.has(hash),
  isCanonical: async (_chainId, _number, hash) => !replaced.has(hash),
};

/** The rows of a block: one for each key. */
function block(number: number, fork = ""): OutboxRow[] {
  return Array.from({ length: KEYS }, (_, index) => ({
    ...{ key: `key-${index}`, block: number, index, hash: `0x${number}${fork}` },
    id: `e-${number}${fork}-${index}`,
    body: JSON.stringify({ event_id: `e-${number}${fork}-${index}`, event_type: typeOf(index) }),
    attributes: { event_type: typeOf(index) },
  }));
}

function typeOf(index: number): string {
  return TYPES[index % 2] ?? "";
}

async function mine(from: number, to: number, fork = ""): Promise<OutboxRow[]> {
  const rows: OutboxRow[] = [];
  for (let number = from; number <= to; number += 1) rows.push(...block(number, fork));
  await bed.outbox.append(...rows);
  await bed.outbox.moveTo({ latest: to, finalized: Math.max(1, to - 4) });
  return rows;
}

type Message = { offset: number; type: string; id: string; data: string };

test("[G-25] Fifty clients see every message of their filter once and in order, through restarts of APIs, relay and engine, a reorg and a replay", async () => {
  const endRelay = bed.startRelay({}, evidence);
  const apis = [await serve(), await serve()];
  let turn = 0;
  const origin = (): string => `http://127.0.0.1:${apis[++turn % apis.length]?.port}`;
  const filters = ["", "?type=Approved", "?type=EscrowReleased,EventRetracted", "?after=30"];
  const follow = (at: number): FeedClient =>
    new FeedClient({
      origin,
      path: `${FEED}/stream${filters[at % filters.length]}`,
      comesBack: true,
    });
  const clients: FeedClient[] = [];
  onTestFinished(() => {
    for (const client of clients) client.stop();
  });

  const all = await mine(1, 5);
  await waitUntil("they are in the feed", async () => (await lastOffset(origin())) === 5 * KEYS);
  for (let at = 0; at < CLIENTS; at += 1) clients.push(follow(at));
  await waitUntil("they are live", () => clients.every(({ controls }) => controls.length > 0));

  const [first] = apis;
  all.push(...(await mine(6, 7)));
  apis.reverse();
  await first?.stop();
  apis[1] = await serve();
  for (const client of clients.slice(0, 20)) client.drop();

  // The engine starts again: what is not final is gone, and comes back.
  await bed.outbox.rollBackTo(3);
  await bed.outbox.append(...all.filter(({ block: number }) => number > 3));
  await endRelay();
  bed.startRelay({}, evidence);
  all.push(...(await mine(8, 9)));
  await waitUntil("they are in the feed", async () => (await lastOffset(origin())) === 9 * KEYS);

  for (const number of [8, 9]) replaced.add(`0x${number}`);
  await bed.outbox.rollBackTo(7);
  await mine(8, 10, "b");
  // Two blocks are retracted, three come.
  const total = (9 + 2 + 3) * KEYS;
  await waitUntil("the reorg is told", async () => (await lastOffset(origin())) === total);

  // A replay: another deployment with the same rows, read from its beginning.
  await bed.outbox.deploy("build-2");
  await bed.outbox.append(...block(11, "b"));
  await bed.outbox.moveTo({ latest: 11, finalized: 7 });
  await waitUntil("what comes is told", async () => (await lastOffset(origin())) === total + KEYS);

  const feed = await readAll(origin());
  expect(feed.map(({ offset }) => offset)).toEqual(feed.map((_, at) => at + 1));
  expect(new Set(feed.map(({ id }) => id)).size).toBe(feed.length);
  for (const [at, client] of clients.entries()) {
    const wanted = feed.filter((message) => isWanted(message, filters[at % filters.length] ?? ""));
    await waitUntil("the client has all", () => client.messages.length >= wanted.length);
    expect(client.messages.map(({ id }) => id)).toEqual(wanted.map(({ offset }) => offset));
    expect(client.otherIds).toBe(0);
  }
  expect(Math.max(...clients.map(({ connections }) => connections))).toBeGreaterThan(1);
});

function isWanted({ offset, type }: Message, filter: string): boolean {
  if (filter === "?after=30") return offset > 30;
  if (filter === "?type=Approved") return type.endsWith("Approved");
  return filter === "" || type.startsWith("-") || type === "EscrowReleased";
}

async function serve(): Promise<RunningApi> {
  const api = await startApi({ ...API_SETTINGS, databaseUrl: bed.url });
  let isStopped = false;
  const stop = async (): Promise<void> => {
    if (!isStopped) {
      isStopped = true;
      await api.stop();
    }
  };
  onTestFinished(stop);
  return { port: api.port, stop };
}

async function lastOffset(origin: string): Promise<number> {
  const answer = await fetch(`${origin}/v1/feeds`);
  const { feeds } = (await answer.json()) as { feeds: { last_offset: number }[] };
  return feeds[0]?.last_offset ?? 0;
}

/** The whole feed; the type of a retraction has a minus before what it retracts. */
async function readAll(origin: string): Promise<Message[]> {
  const messages: Message[] = [];
  for (let after = 0, more = true; more; ) {
    const answer = await fetch(`${origin}${FEED}?after=${after}&limit=37`);
    const page = await answer.json();
    for (const { offset, message_id: id, data } of page.messages) {
      const { event_type: own, retracts_type: retracted } = JSON.parse(data);
      messages.push({ offset, id, data, type: retracted === undefined ? own : `-${retracted}` });
    }
    ({ next: after, more } = page);
  }
  return messages;
}
