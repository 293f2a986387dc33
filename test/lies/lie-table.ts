import { PHASES, type Phase, type PhasePlayed } from "./lie-seat.ts";
import { inWords } from "./lie-verdict.ts";
import type { NamedLie } from "./named-lie.ts";

/** The first lines of the table of lie × phase, in Markdown. */
export function tableHead(phases: readonly ("source" | Phase)[]): string[] {
  const names = ["lie", "of", ...phases];
  return [names, names.map(() => "---")].map(lineOf);
}

/** A line of it: what was wrong, and of how many lies, phase by phase. */
export function tableLine(
  { name }: NamedLie,
  nodes: number,
  played: readonly PhasePlayed[],
): string {
  const cells = played.map(({ verdict, told }) => {
    return inWords(verdict) || (told === 0 ? "not told" : `0 of ${told}`);
  });
  return lineOf([name, String(nodes), ...cells]);
}

/** What was played of a lie, in the order of the table. */
export function inOrder(phases: Record<Phase, PhasePlayed>): PhasePlayed[] {
  return PHASES.map((phase) => phases[phase]);
}

function lineOf(cells: string[]): string {
  return `| ${cells.join(" | ")} |`;
}
