import { fitLines, plainText, wrapLine } from "./fit-lines.ts";
import { messageWays, type SeenMessage } from "./message-ways.ts";
import type { Snapshot } from "./snapshot.ts";

export type View = {
  /** What goes on, until everything runs and when it stops; null in between. */
  state: string | null;
  /** Where the parts are. */
  banner: string[];
  snapshot: Snapshot | null;
  /** The newest last. */
  messages: SeenMessage[];
  receivedPerTopic: Map<string, number>;
  notices: string[];
  elapsedMs: number;
};

/** Of a terminal, in characters. */
export type Size = { columns: number; rows: number };

/** Below this the banner, which also stands above the view, gives its lines to what changes. */
const ROWS_FOR_BANNER = 32;
const ROWS_FOR_GAPS = 16;
const LEAST_MESSAGES = 4;
const BAR_WIDTH = 20;

/**
 * The live view for a person at a terminal of that size. Every line fits into a row and all of them
 * onto the screen: first the state, then messages and notices in what is left, the newest of each.
 */
export function renderView(view: View, { columns, rows }: Size): string[] {
  // In a low window nothing is spent on empty lines.
  const block = (lines: string[]): string[] =>
    lines.length > 0 && rows >= ROWS_FOR_GAPS ? ["", ...lines] : lines;
  const head = [
    ...headerLines(view, columns),
    ...block(rows >= ROWS_FOR_BANNER ? view.banner.flatMap((line) => wrapLine(line, columns)) : []),
    ...block(chainLines(view.snapshot, columns)),
    ...block(topicLines(view, columns)),
  ].slice(0, view.notices.length > 0 ? rows - 1 : rows);
  const free = rows - head.length;
  const messageRows =
    view.messages.length === 0 ? 0 : Math.max(0, Math.min(free - 1, LEAST_MESSAGES + 2));
  const notices = noticeLines(view.notices, columns, free - messageRows);
  const messages = messageLines(view.messages, columns, free - notices.length);
  return [...head, ...messages, ...notices];
}

function headerLines({ state, elapsedMs, banner }: View, columns: number): string[] {
  const title = `escrow-stream   ${Math.floor(elapsedMs / 1_000)} s`;
  // A low window shows no banner, but where to ask.
  const api = banner.find((line) => line.startsWith("API"))?.replace(/^API\s+/, "");
  const text = state ?? (api === undefined ? "" : `API ${api.split(" ")[0]}`);
  return wrapLine(`${title}   ${text}`, columns);
}

function chainLines(snapshot: Snapshot | null, columns: number): string[] {
  if (snapshot === null) return [];
  const { chains, escrows, events, anomalies, publications } = snapshot;
  const gates = publications.flatMap(({ lines = [] }) => lines).filter(({ gate }) => gate === "on");
  const verifiedOf = (chainId: number): string[] =>
    gates
      .filter(({ line }) => line === chainId)
      .slice(0, 1)
      .map(({ verifiedThrough }) => `verified ${verifiedThrough ?? "-"}`);
  const ways = [" ".repeat(3), " "].map((gap) =>
    chains.map(({ name, chainId, head, indexed, finalized }) =>
      [
        `  ${gap === " " ? "" : "chain "}${plainText(name)} (${chainId})`,
        `head ${head ?? "no answer"}`,
        `indexed ${indexed ?? "-"}`,
        `final ${finalized ?? "-"}`,
        ...verifiedOf(chainId),
        `lag ${lag(head, indexed)}`,
      ].join(gap),
    ),
  );
  const bars = chains.flatMap(({ name, proving }) =>
    proving === undefined
      ? []
      : wrapLine(
          `  proving ${plainText(name)}   ${progressBar(proving.proven / proving.of)}`,
          columns,
        ),
  );
  const totals = `  escrows ${escrows}   events ${events}   anomalies ${anomalies}`;
  return [...fitLines(ways, columns), ...bars, ...wrapLine(totals, columns)];
}

function topicLines({ snapshot, receivedPerTopic }: View, columns: number): string[] {
  const publications = snapshot?.publications ?? [];
  const cells = publications.map(({ topic, finality, published, backlog }) => {
    const received = receivedPerTopic.get(topic);
    return { topic, finality, published, backlog, received };
  });
  const wide = cells.map(
    ({ topic, finality, published, backlog, received }) =>
      `  topic ${topic.padEnd(24)} ${finality.padEnd(10)} published ${String(published).padEnd(8)} waiting ${String(backlog).padEnd(6)}${received === undefined ? "" : ` received here ${received}`}`,
  );
  const narrow = cells.map(
    ({ topic, published, backlog, received }) =>
      `  ${topic.padEnd(20)} published ${String(published).padEnd(6)} waiting ${String(backlog).padEnd(4)}${received === undefined ? "" : ` received ${received}`}`,
  );
  const terse = cells.map(
    ({ topic, published, backlog, received }) =>
      `  ${topic} published ${published} waiting ${backlog}${received === undefined ? "" : ` received ${received}`}`,
  );
  const halted = publications.flatMap(({ topic, haltedReason }) =>
    haltedReason === null ? [] : wrapLine(`  HALTED: ${topic}: ${haltedReason}`, columns),
  );
  const held = publications.flatMap(({ topic, lines = [] }) =>
    lines.flatMap(({ line, heldAt, because }) =>
      heldAt === null
        ? []
        : wrapLine(`  HELD: ${topic}: chain ${line} at block ${heldAt}: ${because}`, columns),
    ),
  );
  return [...fitLines([wide, narrow, terse], columns), ...halted, ...held];
}

/** The newest that fit into that many rows, under their title. */
function messageLines(messages: SeenMessage[], columns: number, rows: number): string[] {
  if (messages.length === 0 || rows < 2) return [];
  const title = rows > LEAST_MESSAGES + 1 ? ["", "  last messages at the subscriber"] : [];
  const lines = fitLines(messageWays(messages), columns);
  return [...title, ...lines.slice(-(rows - title.length))];
}

/** The newest that fit into that many rows, after an empty one; of the last at least its beginning. */
function noticeLines(notices: string[], columns: number, rows: number): string[] {
  const gap = rows > 1 ? 1 : 0;
  const shown: string[] = [];
  for (const notice of notices.toReversed()) {
    const lines = wrapLine(`  ! ${plainText(notice)}`, columns);
    const free = rows - gap - shown.length;
    if (lines.length > free && shown.length > 0) break;
    shown.unshift(...lines.slice(0, free));
  }
  return shown.length === 0 ? [] : [...Array<string>(gap).fill(""), ...shown];
}

function progressBar(share: number): string {
  const full = Math.floor(share * BAR_WIDTH);
  return `[${"#".repeat(full)}${".".repeat(BAR_WIDTH - full)}] ${Math.floor(share * 100)} % of what is final`;
}

function lag(head: number | null, indexed: number | null): string {
  if (head === null || indexed === null) return "-";
  const blocks = Math.max(0, head - indexed);
  return blocks === 1 ? "1 block" : `${blocks} blocks`;
}
