import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { defineBenchmark } from "../framework/benchmark.ts";
import { type Child, forkChild, spawnChild } from "../framework/child.ts";
import type { Report } from "../framework/report.ts";
import { percentile } from "../framework/statistics.ts";
import { type Stack, startStack } from "../latency/start-stack.ts";
import { query } from "../parts/start-database.ts";
import { ApiInstance } from "./api-instance.ts";
import type { ClientCounts, ClientsCommand, ClientsReport } from "./clients-messages.ts";
import { expectedIds, type FeedFacts, readFacts } from "./expected-ids.ts";

const ROOT = join(import.meta.dirname, "../..");
const TOPIC = "chain.events.v1";
const PATH = `/v1/feeds/${TOPIC}/stream`;
const WARM_UP = { eventsPerSecond: 20, seconds: 10 };
const FORK_EVENTS = 5;
const BLOCK_MS = 250;
const LONGEST_WAIT_MS = 120_000;

type Step = { what: string; act: () => Promise<unknown> };

/** Whether a thousand clients get every message of their filter once, whatever ends and starts again. */
export const streamsBenchmark = defineBenchmark({
  title: "streams of the feed, while everything behind them ends and starts again",
  needsContenders: false,
  options: {
    clients: { full: 1_000, quick: 50, says: "streams at once, over two instances of the API" },
    seconds: { full: 120, quick: 24, says: "how long events come" },
    rate: { full: 20, quick: 20, says: "events per second" },
  },
  run: async ({ options, folder, print }) => {
    const stack = await startStack(folder, 0.1);
    const apis = [await ApiInstance.start(stack.env), await ApiInstance.start(stack.env)] as const;
    await stack.command({ mine: { ...WARM_UP, blockMs: BLOCK_MS } });
    await untilQuiet(stack);
    const paths = pathsOf(await readFacts(stack.databaseUrl, TOPIC), options.clients);
    const clients = forkChild(join(import.meta.dirname, "clients-process.ts"));
    const ports = apis.map(({ port }) => port);
    await tell(clients, { follow: { ports, paths } });
    await until("all streams are open", async () => {
      return (await tell<ClientCounts>(clients, { count: true })).open === paths.length;
    });
    print(`${paths.length} streams are open`);
    for (const { what, act } of story(stack, apis, clients)) {
      const seconds = options.seconds / 6;
      const mined = stack.command({
        mine: { eventsPerSecond: options.rate, blockMs: BLOCK_MS, seconds },
      });
      await setTimeout((seconds * 1_000) / 4);
      await Promise.all([act(), mined]);
      print(`${what}: ${(await tell<ClientCounts>(clients, { count: true })).messages} messages`);
      if (what.startsWith("the indexer")) await stack.command({ fork: FORK_EVENTS });
    }
    await stack.command({ fork: FORK_EVENTS });
    await untilQuiet(stack);
    const facts = await readFacts(stack.databaseUrl, TOPIC);
    const expected = paths.map((path) => expectedIds(facts, path));
    const total = expected.reduce((sum, ids) => sum + ids.length, 0);
    await until("everything is there", async () => {
      return (await tell<ClientCounts>(clients, { count: true })).messages >= total;
    }).catch(() => print("messages are missing"));
    const got = await tell<ClientsReport>(clients, { report: true });
    for (const api of apis) await api.end("SIGTERM");
    return report({ facts, paths, expected, got, apis, seconds: options.seconds });
  },
});

/** What happens, one after the other, while events come. */
function story(stack: Stack, [one, other]: readonly ApiInstance[], clients: Child): Step[] {
  const replay = ["cli/replay.ts", "--grace", "1s"];
  return [
    { what: "nothing happens", act: async () => undefined },
    { what: "an API is restarted in good order", act: async () => one?.restart("SIGTERM") },
    { what: "the other one is killed", act: async () => other?.restart("SIGKILL") },
    { what: "the indexer is killed, a fork follows", act: () => stack.restartIndexer() },
    {
      what: "a replay takes the live deployment's place",
      act: () =>
        stack.supervised(() =>
          spawnChild(process.execPath, replay, { cwd: ROOT, env: stack.env }).done(),
        ),
    },
    {
      what: "the relay is killed, and a third of the connections are cut",
      act: async () => {
        await tell(clients, { drop: 333 });
        await stack.restartRelay();
      },
    },
  ];
}

/** A fifth wants everything; the others a type, an escrow or a party, and some come late. */
function pathsOf(facts: readonly FeedFacts[], count: number): string[] {
  const some = (at: number): FeedFacts => facts[(at * 37) % facts.length] as FeedFacts;
  const kinds = [
    () => "",
    () => "?type=EscrowReleased,EscrowRefunded",
    (at: number) => `?escrow=${some(at).escrow}`,
    (at: number) => `?party=${some(at).parties[0]}`,
    (at: number) => `?after=${some(at).offset}&type=Approved,ArbiterChanged`,
  ];
  return Array.from({ length: count }, (_, at) => `${PATH}${kinds[at % kinds.length]?.(at)}`);
}

async function tell<Answer>(clients: Child, command: ClientsCommand): Promise<Answer> {
  const answer = clients.message<Answer>();
  clients.process.send(command);
  return await answer;
}

/** Waits until the outbox is captured, every retraction is made, and nothing comes any more. */
async function untilQuiet({ databaseUrl }: Stack): Promise<void> {
  const question = `
    select (select count(*) from escrow.outbox)::int as events,
           (select count(*) filter (where m.kind = 'event') - count(*) filter (where m.kind = 'retraction')
            from relay.message m join relay.publication p on p.id = m.publication_id
            where p.topic = $1)::int as standing,
           (select last_offset from relay.feed_publication where topic = $1)::int as last`;
  let before = "";
  await until("the feed is quiet", async () => {
    const [row] = await query<{ events: number; standing: number }>(databaseUrl, question, [TOPIC]);
    const now = JSON.stringify(row);
    const isQuiet = now === before && row !== undefined && row.events === row.standing;
    before = now;
    await setTimeout(1_000);
    return isQuiet;
  });
}

async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const deadlineMs = performance.now() + LONGEST_WAIT_MS;
  while (!(await isSo().catch(() => false))) {
    if (performance.now() > deadlineMs) throw new Error(`not within two minutes: ${what}`);
    await setTimeout(200);
  }
}

type Outcome = {
  facts: FeedFacts[];
  paths: string[];
  expected: number[][];
  got: ClientsReport;
  apis: readonly ApiInstance[];
  seconds: number;
};

function report({ facts, paths, expected, got, apis, seconds }: Outcome): Report {
  const wrong = got.clients.filter(({ ids }, at) => String(ids) !== String(expected[at])).length;
  const delivered = got.clients.reduce((sum, { ids }) => sum + ids.length, 0);
  const lost = got.clients.reduce((sum, { ids }, at) => {
    const has = new Set(ids);
    return sum + (expected[at] ?? []).filter((id) => !has.has(id)).length;
  }, 0);
  const twice = got.clients.reduce((sum, { ids }) => sum + ids.length - new Set(ids).size, 0);
  const otherIds = got.clients.reduce((sum, client) => sum + client.otherIds, 0);
  const connections = got.clients.reduce((sum, client) => sum + client.connections, 0);
  const usages = apis.flatMap((api) => api.usages);
  const retractions = facts.filter(({ type }) => type === "EventRetracted").length;
  const memoryMb = Math.max(...usages.map(({ peakMemoryMb }) => peakMemoryMb));
  const cpuSeconds = usages.reduce((sum, usage) => sum + usage.cpuSeconds, 0);
  return {
    tables: [
      {
        title: "What the clients got",
        columns: [
          "clients",
          "connections",
          "messages in the feed",
          "of them retractions",
          "delivered",
          "missing",
          "twice",
          "ids on no message",
        ],
        rows: [
          [paths.length, connections, facts.length, retractions, delivered, lost, twice, otherIds],
        ],
        notes: [
          `Events for ${seconds} s: an API restarted in good order, the other one killed, the indexer killed, a fork, a replay that takes the live deployment's place, the relay killed and a third of the connections cut, a fork.`,
          "A fifth of the clients has no filter, the others a type, an escrow or a party; some begin in the middle. What each has to get is read from the database by SQL of its own.",
        ],
      },
      {
        title: "What it took",
        columns: [
          "capture → client p50, ms",
          "p99, ms",
          "peak memory of one API, MB",
          "CPU of all APIs, s",
        ],
        rows: [[percentile(got.lagMs, 0.5), percentile(got.lagMs, 0.99), memoryMb, cpuSeconds]],
        notes: [
          "From the time of capture in the journal, of what was captured after the clients began; what one gets when it comes back has waited for it.",
        ],
      },
    ],
    goals: [
      {
        goal: "every client got every message of its filter once, in order",
        measured: `${paths.length - wrong} of ${paths.length}`,
        isMet: wrong === 0 && otherIds === 0,
      },
    ],
    raw: { delivered, lost, twice, wrong, otherIds, connections, memoryMb, cpuSeconds },
  };
}
