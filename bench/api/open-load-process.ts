import { once } from "node:events";
import { Agent } from "node:http";
import { setTimeout } from "node:timers/promises";
import { ask, type Question } from "./ask.ts";

/*
 * Asks RATE questions a second for SECONDS, each when its time has come, whether those before it are
 * answered or not: people do not wait for each other. How long an answer took counts from that time.
 * The kinds come as a message from the process that started it, which gets what was measured.
 */

/** A kind of question, and of how many in ten. */
export type Kind = { name: string; share: number; questions: Question[] };

export type OpenLoadResult = {
  seconds: number;
  /** Of each kind, milliseconds of every answer that was as expected. */
  kinds: { name: string; latencies: number[]; faults: number }[];
  /** What was wrong with the first answer that was not as expected. */
  fault: string | null;
};

const { ORIGIN = "", RATE = "1", SECONDS = "1" } = process.env;
const MAX_SOCKETS = 512;
const [kinds] = (await once(process, "message")) as [Kind[]];
const turns = kinds.flatMap((kind, at) => Array.from({ length: kind.share }, () => at));
const agent = new Agent({ keepAlive: true, maxSockets: MAX_SOCKETS });
const measured = kinds.map(({ name }) => ({ name, latencies: [] as number[], faults: 0 }));
let fault: string | null = null;

const startedMs = performance.now();
const total = Number(RATE) * Number(SECONDS);
const dueMs = (number: number): number => startedMs + (number * 1_000) / Number(RATE);
const asked: Promise<void>[] = [];
while (asked.length < total) {
  while (asked.length < total && dueMs(asked.length) <= performance.now())
    asked.push(askOne(asked.length));
  await setTimeout(1);
}
await Promise.all(asked);
const seconds = (performance.now() - startedMs) / 1_000;
agent.destroy();
process.send?.({ seconds, kinds: measured, fault } satisfies OpenLoadResult, () =>
  process.disconnect(),
);

async function askOne(number: number): Promise<void> {
  const at = turns[number % turns.length] ?? 0;
  const { questions } = kinds[at] as Kind;
  const kind = measured[at];
  // A prime, so that each kind meets all of its questions, in no order.
  const question = questions[(number * 7_919) % questions.length];
  if (question === undefined || kind === undefined) return;
  const answer = await ask(ORIGIN, agent, question).catch((error) => ({
    status: 0,
    text: String(error),
  }));
  if (answer.status === 200 && answer.text.includes(question.expects)) {
    kind.latencies.push(performance.now() - dueMs(number));
    return;
  }
  kind.faults += 1;
  fault ??= `${question.path}: ${answer.status} ${answer.text.slice(0, 300)}`;
}
