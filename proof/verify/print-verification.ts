import type { TopicCheck } from "./check-topic.ts";
import { CHECKS, type Check, type Findings } from "./findings.ts";
import type { JournalCheck, StoreVerification } from "./verify-store.ts";

export type Verification = StoreVerification & { topics: TopicCheck[] };

/** The report for a person, line by line. */
export function printVerification(
  { deployment, events, unencodable, rows, states, journal, topics }: Verification,
  findings: Findings,
): string[] {
  const lines = [`deployment ${deployment.schema}`];
  for (const { chainId, name, indexedBlock, finalBlock } of deployment.chains)
    lines.push(`  chain ${chainId} (${name}) indexed to ${indexedBlock}, final to ${finalBlock}`);

  lines.push("", `fold(event store) = read models: ${events} events`);
  for (const { projection, rows: count, differing } of rows)
    lines.push(`  ${projection.padEnd(18)} ${count} rows, ${differing} different`);
  if (unencodable > 0)
    lines.push(
      `  cannot tell: the bytes of ${unencodable} messages, written in an older schema version`,
    );

  lines.push("", "journal = event store");
  if (journal === null) lines.push("  cannot tell: there is no journal in this database");
  for (const check of journal ?? []) lines.push(`  ${check.topic}: ${journalInWords(check)}`);

  lines.push("", "topic = journal");
  if (topics.length === 0) lines.push("  not looked at");
  for (const { topic, compared, cannotTell, reason } of topics) {
    lines.push(`  ${topic}: ${compared} messages compared`);
    if (reason !== null) lines.push(`    cannot tell about ${cannotTell}: ${reason}`);
  }

  lines.push("", "state");
  for (const { chainId, block, projection, hash } of states)
    lines.push(`  ${chainId} at ${block} ${projection.padEnd(18)} ${hash}`);

  lines.push("");
  const shown = findings.list();
  for (const { check, subject, detail } of shown) lines.push(`${check}: ${subject}: ${detail}`);
  for (const [check, count] of Object.entries(findings.counts()) as [Check, number][]) {
    const hidden = count - shown.filter((finding) => finding.check === check).length;
    if (hidden > 0) lines.push(`${check}: … and ${hidden} more (${CHECKS[check]})`);
  }
  lines.push(findings.total === 0 ? "no differences" : `${findings.total} differences`);
  return lines;
}

function journalInWords(check: JournalCheck): string {
  const states: [number, string][] = [
    [check.notYetCaptured, "events not yet captured"],
    [check.notYetDue, "events not final enough yet"],
    [check.notYetIndexed, "messages of blocks that are not indexed (again) yet"],
    [check.unconfirmed, "announced events gone, in blocks that are not final"],
    [check.ofOtherChains, "messages of chains that this deployment does not follow"],
    [check.messages - check.published - check.inDoubt, "messages not yet published"],
    [check.inDoubt, "messages in doubt"],
    [check.blockedKeys, "keys blocked"],
  ];
  const notes = states.filter(([count]) => count > 0).map(([count, what]) => `, ${count} ${what}`);
  const halted = check.haltedReason === null ? "" : `, halted: ${check.haltedReason}`;
  return `${check.messages} messages, ${check.retractions} of them retractions${notes.join("")}${halted}`;
}
