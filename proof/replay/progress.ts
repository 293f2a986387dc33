/** How far a build is, at one moment. Blocks are counted over all chains. */
export type Progress = {
  events: number;
  eventsTotal: number;
  blocks: number;
  blocksTotal: number;
  /** Milliseconds since the build began, and what it had then, when it goes on with an older one. */
  elapsedMs: number;
  eventsBefore: number;
  blocksBefore: number;
};

export type ProgressFigures = {
  events: number;
  eventsTotal: number;
  blocks: number;
  blocksTotal: number;
  eventsPerSecond: number;
  /** Null while nothing tells. */
  secondsLeft: number | null;
};

const BAR_WIDTH = 24;
/** A rate needs some time to be one. */
const FIRST_ESTIMATE_MS = 500;

/** Rate and time left. Where there are no events to come, blocks tell how far it is. */
export function progressFigures(progress: Progress): ProgressFigures {
  const { elapsedMs, eventsBefore, blocksBefore } = progress;
  const events = Math.min(progress.events, progress.eventsTotal);
  const blocks = Math.min(progress.blocks, progress.blocksTotal);
  const perSecond = (done: number): number => (elapsedMs > 0 ? (1000 * done) / elapsedMs : 0);
  const eventRate = perSecond(progress.events - eventsBefore);
  const [left, rate] =
    events < progress.eventsTotal
      ? [progress.eventsTotal - events, eventRate]
      : [progress.blocksTotal - blocks, perSecond(blocks - blocksBefore)];
  const isTelling = elapsedMs >= FIRST_ESTIMATE_MS && rate > 0;
  return {
    events: progress.events,
    eventsTotal: progress.eventsTotal,
    blocks: progress.blocks,
    blocksTotal: progress.blocksTotal,
    eventsPerSecond: Math.round(eventRate),
    secondsLeft: left <= 0 ? 0 : isTelling ? Math.ceil(left / rate) : null,
  };
}

/** One line for a terminal. */
export function progressLine(figures: ProgressFigures): string {
  const { events, eventsTotal, blocks, blocksTotal, eventsPerSecond, secondsLeft } = figures;
  const share = eventsTotal > 0 ? events / eventsTotal : blocksTotal > 0 ? blocks / blocksTotal : 1;
  const filled = Math.round(BAR_WIDTH * Math.min(1, share));
  const bar = "█".repeat(filled) + "░".repeat(BAR_WIDTH - filled);
  return [
    `${bar} ${String(Math.floor(100 * Math.min(1, share))).padStart(3)} %`,
    `${count(events)} of ${count(eventsTotal)} events`,
    `${count(blocks)} of ${count(blocksTotal)} blocks`,
    `${count(eventsPerSecond)} events/s`,
    secondsLeft === null ? "time left unknown" : `${duration(secondsLeft)} left`,
  ].join("  ");
}

function count(value: number): string {
  return value.toLocaleString("en-US");
}

function duration(seconds: number): string {
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 60
    ? `${minutes} min ${seconds % 60} s`
    : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
