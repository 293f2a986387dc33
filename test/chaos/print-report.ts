import type { ChaosReport } from "./run-chaos.ts";
import { inWords, WRONGS } from "./verdict.ts";

const SHOWN_IDS = 20;

/** A run as lines of text: the counts per fault, what is wrong, and the verdict as the last. */
export function reportLines(report: ChaosReport, seed: number): string[] {
  const { verdict, journal, excused, kills, faults } = report;
  const killed = [...kills.values()].reduce((sum, count) => sum + count, 0);
  const wrong = WRONGS.flatMap((kind) =>
    verdict[kind].slice(0, SHOWN_IDS).map((id) => `  ${kind}: ${id}`),
  );
  const isWrong = wrong.length > 0 || journal.length > 0;
  return [
    "",
    ...table("SIGKILL of a relay at", kills),
    ...table("other faults", faults),
    `${report.events} events, ${report.messages} messages received, ${report.redelivered} redeliveries, ` +
      `${killed} kills, ${report.relaysStarted} relay processes (${report.relaysEnded} ended by themselves), ${Math.round(report.seconds)} s`,
    `copies left by paused processes (allowed on the topic, never in the ledger): ${excused.length}`,
    ...wrong,
    ...journal.map((each) => `  journal: ${each}`),
    ...(isWrong ? [`seed ${seed}; logs and data in ${report.folder}`] : []),
    inWords(verdict),
  ];
}

function table(title: string, counts: ReadonlyMap<string, number>): string[] {
  if (counts.size === 0) return [];
  const width = Math.max(...[title, ...counts.keys()].map((each) => each.length)) + 2;
  return [
    `${title.padEnd(width)}times`,
    ...[...counts].map(
      ([name, count]) => `  ${name.padEnd(width - 2)}${String(count).padStart(5)}`,
    ),
    "",
  ];
}
