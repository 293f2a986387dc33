import { once } from "node:events";
import { Agent } from "node:http";
import { ask, type Question } from "./ask.ts";

/*
 * Asks one server the same kind of question over and over: CONNECTIONS connections, each of which
 * asks again when it has its answer, for SECONDS. In a process of its own, so that it takes no time
 * of the servers' thread. The questions come as a message from the process that started it, which
 * gets what was measured.
 */

export type LoadResult = {
  answers: number;
  seconds: number;
  /** Milliseconds of every answer. */
  latencies: number[];
  /** What was wrong with the first answer that was not as expected. */
  fault: string | null;
};

const { ORIGIN = "", CONNECTIONS = "1", SECONDS = "1" } = process.env;
const [questions] = (await once(process, "message")) as [Question[]];
const agent = new Agent({ keepAlive: true, maxSockets: Number(CONNECTIONS) });
const latencies: number[] = [];
let fault: string | null = null;

const startedMs = performance.now();
const deadlineMs = startedMs + Number(SECONDS) * 1000;
await Promise.all(Array.from({ length: Number(CONNECTIONS) }, (_, at) => askOverAndOver(at)));
const seconds = (performance.now() - startedMs) / 1000;
agent.destroy();
const result: LoadResult = { answers: latencies.length, seconds, latencies, fault };
process.send?.(result, () => process.disconnect());

async function askOverAndOver(connection: number): Promise<void> {
  // No two connections ask the same at the same time, unless there is only one question.
  for (let turn = connection; performance.now() < deadlineMs; turn += Number(CONNECTIONS)) {
    const question = questions[turn % questions.length];
    if (question === undefined) return;
    const askedMs = performance.now();
    const { status, text } = await ask(ORIGIN, agent, question);
    latencies.push(performance.now() - askedMs);
    if (status !== 200 || !text.includes(question.expects))
      fault ??= `${question.path}: ${status} ${text.slice(0, 300)}`;
  }
}
