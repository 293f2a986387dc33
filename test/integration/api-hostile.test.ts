import { connect } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type ApiBed, openApiBed } from "../support/api-bed.ts";
import { FeedClient } from "../support/feed-client.ts";
import { type HostileRequest, hostileRequests } from "../support/hostile-requests.ts";
import { JournalWriter } from "../support/journal-writer.ts";
import { manyDeals } from "../support/many-deals.ts";
import { RelayWorld } from "../support/relay-world.ts";
import { waitUntil } from "../support/wait-until.ts";

/* What strangers may try. The API refuses each, soon, says nothing of its insides, and goes on. */

const CHAIN = 41_021;
const MESSAGES = 60;
const STREAM = "/v1/feeds/chain.events.v1/stream";
/** Far more than any answer takes; a client that never ends its request is cut off by then. */
const BOUND_MS = 40_000;
/** Text that no answer may have: paths, stacks, the driver's and the database's words. */
const INSIDES =
  /node_modules|\/work\/|\/apps\/|\.ts:\d|at \w+ \(|from escrow\.|at or near|SQLSTATE|relation "|root:x:/i;

const world = new RelayWorld();
let bed: ApiBed;
beforeAll(async () => {
  await world.start();
  bed = await openApiBed(world, {
    events: manyDeals(CHAIN, 15),
    progress: [{ chainId: CHAIN, latest: 40, finalized: 20 }],
    settings: { streamsPerClient: 20, stalledMs: 1_000 },
  });
  const journal = await JournalWriter.create(bed.owner);
  const note = "x".repeat(100_000);
  await journal.append(...Array.from({ length: MESSAGES }, () => ({ fields: { note } })));
});
afterAll(async () => {
  await bed?.stop();
  await world.stop();
});

test("There are at least eighty of them", () => {
  expect(hostileRequests().length).toBeGreaterThanOrEqual(80);
});

test.each(hostileRequests())("$name", async (request) => {
  const answer = await send(request);
  const [status] = answer.match(/^HTTP\/1\.1 (\d{3})/)?.slice(1) ?? ["closed"];
  const isGraphql = /^HTTP\/1\.1 200[\s\S]*"errors":\[/.test(answer) && !/"data":\{/.test(answer);
  expect({ status, isGraphql, answer: answer.slice(0, 400) }).toSatisfy(
    () => status === "closed" || /^(4\d\d|503)$/.test(status ?? "") || isGraphql,
  );
  expect(answer).not.toMatch(INSIDES);
});

test("Streams that are too many or take nothing are refused or dropped, and the memory stays flat", async () => {
  const before = process.memoryUsage().rss;
  const greedy = Array.from({ length: 60 }, () => openStream());
  await waitUntil("all are answered", () => greedy.every(({ head }) => head !== ""));
  const statuses = greedy.map(({ head }) => head.slice(9, 12));
  expect(statuses.toSorted()).toEqual([...Array(20).fill("200"), ...Array(40).fill("429")]);
  const metrics = async () => await (await fetch(`${bed.origin}/metrics`)).text();
  await waitUntil("none is left", async () => /^api_streams 0$/m.test(await metrics()));
  expect(await metrics()).toMatch(/^api_streams_dropped 20$/m);
  expect(process.memoryUsage().rss - before).toBeLessThan(300_000_000);
  for (const { socket } of greedy) socket.destroy();
});

test("A stream of notifications, forged by whoever may connect, reaches nobody and slows nothing", async () => {
  const stream = new FeedClient({
    origin: () => bed.origin,
    path: `${STREAM}?after=${MESSAGES - 1}`,
  });
  await waitUntil("it is live", () => stream.controls.at(-1)?.data.state === "live");
  for (let round = 0; round < 20; round += 1)
    await bed.owner.query(
      "select pg_notify('relay_captured', i::text) from generate_series(1, 200) i",
    );
  expect((await fetch(`${bed.origin}/v1/feeds`)).status).toBe(200);
  expect(stream.ids).toEqual([MESSAGES]);
  stream.stop();
});

test("Afterwards everything is as before", async () => {
  const answer = await fetch(`${bed.origin}/v1/stats`);
  expect(answer.status).toBe(200);
  expect(await answer.json()).toMatchObject({ stats: [{ chain_id: CHAIN, escrows: 15 }] });
  expect(bed.said).toEqual([]);
});

/** Opens a stream, and takes nothing of it but the head. */
function openStream() {
  const { hostname, port } = new URL(bed.origin);
  const socket = connect(Number(port), hostname);
  const stream = { head: "", socket };
  socket.on("error", () => undefined);
  socket.once("data", (data) => {
    stream.head = data.toString("latin1", 0, 100);
    socket.pause();
  });
  socket.write(`GET ${STREAM} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n`);
  return stream;
}

/** Everything that comes back until the server closes the connection or has answered. */
function send({ bytes, isUnfinished }: HostileRequest): Promise<string> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(bed.origin);
    const socket = connect(Number(port), hostname);
    let text = "";
    const timer = setTimeout(() => {
      socket.destroy();
      reject(new Error(`no end within ${BOUND_MS} ms: ${text.slice(0, 200)}`));
    }, BOUND_MS);
    socket.on("data", (data) => {
      text += data;
      // A connection that is kept open has answered when its first answer is whole.
      if (!isUnfinished && isWhole(text)) socket.end();
    });
    // A server that refuses a long body need not read it to its end.
    socket.on("error", () => undefined);
    socket.on("close", () => {
      clearTimeout(timer);
      resolve(text);
    });
    socket.write(bytes);
  });
}

function isWhole(text: string): boolean {
  const [head = "", body] = text.split("\r\n\r\n");
  if (body === undefined) return false;
  const [, length] = /content-length: (\d+)/i.exec(head) ?? [];
  return length === undefined
    ? text.endsWith("0\r\n\r\n")
    : Buffer.byteLength(body) >= Number(length);
}
