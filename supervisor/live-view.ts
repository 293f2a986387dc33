import type { Snapshot } from "./snapshot.ts";

/** A message as a subscriber got it. */
export type SeenMessage = {
  topic: string;
  type: string;
  escrow: string;
  sequence: string;
  amountWei?: string;
};

export type View = {
  snapshot: Snapshot | null;
  /** The newest last. */
  messages: SeenMessage[];
  receivedPerTopic: Map<string, number>;
  notices: string[];
  elapsedMs: number;
  apiUrl: string | null;
};

const WEI_PER_ETHER = 10n ** 18n;

/** The live view as lines of text, for a person at a terminal. */
export function renderView(view: View): string[] {
  const { snapshot } = view;
  const lines = [
    `escrow-stream   ${Math.floor(view.elapsedMs / 1000)} s   ${view.apiUrl ? `GraphQL ${view.apiUrl}/graphql` : "starting"}`,
    "",
  ];
  if (snapshot !== null) {
    for (const { name, chainId, head, indexed, finalized } of snapshot.chains)
      lines.push(
        `  chain ${name} (${chainId})   head ${head ?? "no answer"}   indexed ${indexed ?? "-"}   final ${finalized ?? "-"}   lag ${lag(head, indexed)}`,
      );
    lines.push(
      `  escrows ${snapshot.escrows}   events ${snapshot.events}   anomalies ${snapshot.anomalies}`,
      "",
    );
    for (const each of snapshot.publications) {
      const received = view.receivedPerTopic.get(each.topic);
      lines.push(
        `  topic ${each.topic.padEnd(24)} ${each.finality.padEnd(10)} published ${String(each.published).padEnd(8)} waiting ${String(each.backlog).padEnd(6)}${received === undefined ? "" : ` received here ${received}`}${each.haltedReason === null ? "" : `  HALTED: ${each.haltedReason}`}`,
      );
    }
  }
  if (view.messages.length > 0) lines.push("", "  last messages at the subscriber");
  for (const { topic, type, escrow, sequence, amountWei } of view.messages)
    lines.push(
      `    ${topic.padEnd(24)} ${type.padEnd(15)} ${escrow} #${sequence}${amountWei === undefined ? "" : `  ${ether(amountWei)} ether`}`,
    );
  if (view.notices.length > 0) lines.push("", ...view.notices.map((notice) => `  ! ${notice}`));
  return lines;
}

function lag(head: number | null, indexed: number | null): string {
  return head === null || indexed === null ? "-" : `${Math.max(0, head - indexed)} blocks`;
}

function ether(amountWei: string): string {
  const wei = BigInt(amountWei);
  const fraction = (wei % WEI_PER_ETHER).toString().padStart(18, "0").slice(0, 4);
  return `${wei / WEI_PER_ETHER}.${fraction}`;
}
