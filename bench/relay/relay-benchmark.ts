import { defineBenchmark } from "../framework/benchmark.ts";
import type { Report } from "../framework/report.ts";
import { medianRate, runInTurn, type Series, seriesTable } from "../framework/run-in-turn.ts";
import { median } from "../framework/statistics.ts";
import { startDatabase } from "../parts/start-database.ts";
import { BODY_BYTES } from "./backlog.ts";
import { type Drain, drain, drainWithKills } from "./drain.ts";
import { ourRelay } from "./our-relay.ts";
import { BARE_CLIENT, NAIVE_LOOP, PG_BOSS, PG_TRANSACTIONAL_OUTBOX } from "./peers.ts";
import type { TopicVerdict } from "./read-topic.ts";
import type { RelayContender } from "./relay-contender.ts";
import { findTooSlow, type TooSlow } from "./too-slow.ts";

const USUAL_MESSAGES = 20_000;
const PEERS = [PG_BOSS, PG_TRANSACTIONAL_OUTBOX];
const RELAY = ourRelay(1);
const CONTENDERS = [RELAY, ourRelay(2), ...PEERS, NAIVE_LOOP, BARE_CLIENT];

/** Who takes longer for a round has no further one: the others wait in turn. */
const PATIENCE_SECONDS = 20;
/** A larger backlog than the usual one is only shown to who can be expected to keep below this. */
const MOST_SECONDS = 120;

/** How fast a backlog gets onto a topic, in order per key; and what kills leave there. */
export const relayBenchmark = defineBenchmark({
  title: "a backlog onto a topic, in order per key, until everything is accepted and marked",
  needsContenders: true,
  options: {
    messages: { full: USUAL_MESSAGES, quick: 1_000, says: "size of the backlog" },
    keys: { full: 2_000, quick: 100, says: "ordering keys" },
    kills: { full: 5, quick: 2, says: "SIGKILLs of each contender during a drain of its own" },
    killed: { full: 10_000, quick: 1_000, says: "size of the backlog of the drains with SIGKILLs" },
  },
  variant: ({ messages }) => (messages === USUAL_MESSAGES ? null : `relay-${messages}`),
  run: async (run) => {
    const { messages, keys, kills, killed } = run.options;
    const postgres = await startDatabase(run.folder);
    const drainOf = (contender: RelayContender, size: number): Promise<Drain> =>
      drain(contender, postgres, { messages: size, keys }, run.folder);
    const wanted = CONTENDERS.filter(({ name }) => run.isWanted(name));
    const tooSlow =
      messages <= USUAL_MESSAGES
        ? []
        : await findTooSlow(
            wanted.filter((each) => PEERS.includes(each) || each === NAIVE_LOOP),
            { units: messages, trialUnits: USUAL_MESSAGES, mostSeconds: MOST_SECONDS },
            drainOf,
          );
    for (const { why } of tooSlow) run.print(why);
    const series = await runInTurn(
      wanted
        .filter(({ name }) => tooSlow.every((each) => each.name !== name))
        .map((contender) => ({ name: contender.name, run: () => drainOf(contender, messages) })),
      run,
      PATIENCE_SECONDS,
    );
    // All at once: they mostly wait until what the killed process held has expired.
    const verdicts = await Promise.all(
      wanted
        .filter(({ isDurable }) => isDurable)
        .map(async (contender): Promise<[string, TopicVerdict]> => {
          const backlog = { messages: killed, keys };
          const verdict = await drainWithKills(contender, postgres, backlog, run.folder, kills);
          run.print(`${contender.name}, ${kills} kills: ${JSON.stringify(verdict)}`);
          return [contender.name, verdict];
        }),
    );
    return report(series, new Map(verdicts), run.options, tooSlow);
  },
});

function report(
  series: Series<Drain>[],
  verdicts: Map<string, TopicVerdict>,
  { messages, keys, kills, killed }: Record<"messages" | "keys" | "kills" | "killed", number>,
  tooSlow: TooSlow[],
): Report {
  const size = `${messages.toLocaleString("en-US")} messages of ${BODY_BYTES} bytes and 10 attributes over ${keys.toLocaleString("en-US")} keys`;
  return {
    tables: [
      seriesTable(size, "messages", series, [
        "`bare client` writes nothing down: one request per key from memory, the limit of client and server.",
        "`relay × 2`: peak memory of the larger one. The relay also copies the backlog from the outbox into its journal; the others find it in their own tables.",
        ...tooSlow.map(({ why }) => why),
      ]),
      {
        title: "CPU seconds of everything that took part",
        columns: ["contender", "own", "PostgreSQL", "Pub/Sub server"],
        rows: series.map(({ name, samples }) => [
          name,
          median(samples.map((each) => each.cpuSeconds)),
          median(samples.map((each) => each.postgresCpuSeconds)),
          median(samples.map((each) => each.pubsubCpuSeconds)),
        ]),
      },
      {
        title: `What the topic holds after ${killed.toLocaleString("en-US")} messages and ${kills} kills with SIGKILL`,
        columns: ["contender", "lost", "duplicated", "out of order"],
        rows: [...verdicts].map(([name, { lost, duplicated, reordered }]) => [
          name,
          lost,
          duplicated,
          reordered,
        ]),
        notes: [
          "Read by a subscription of its own, from the first message to the last. All contenders at once, each with a database and a Pub/Sub server of its own.",
        ],
      },
    ],
    goals: goals(series, verdicts),
    raw: { series, verdicts: Object.fromEntries(verdicts) },
  };
}

function goals(
  series: Series<Drain>[],
  verdicts: Map<string, TopicVerdict>,
): Required<Report>["goals"] {
  const of = ({ name }: RelayContender): Series<Drain> | undefined =>
    series.find((each) => each.name === name);
  const ours = medianRate(of(RELAY));
  // Who was left out is too slow to be the best.
  const bestPeer = Math.max(...PEERS.map((peer) => medianRate(of(peer)) || 0));
  const naive = medianRate(of(NAIVE_LOOP));
  const memoryMb = Math.max(...(of(RELAY)?.samples.map((each) => each.peakMemoryMb) ?? []));
  const faults = Object.values(verdicts.get(RELAY.name) ?? {}).reduce((sum, n) => sum + n, 0);
  const ratio = (value: number): string => `${value.toFixed(1)} times`;
  return [
    {
      goal: "at least 5 times the best of the peers",
      measured: ratio(ours / bestPeer),
      isMet: ours >= 5 * bestPeer,
    },
    {
      goal: "at least twice the naive loop",
      measured: ratio(ours / naive),
      isMet: ours >= 2 * naive,
    },
    {
      goal: "relay memory under 200 MB",
      measured: `${Math.round(memoryMb)} MB`,
      isMet: memoryMb < 200,
    },
    {
      goal: "nothing lost, duplicated or out of order after kills",
      measured: String(faults),
      isMet: verdicts.has(RELAY.name) && faults === 0,
    },
  ];
}
