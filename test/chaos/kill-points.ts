const WHEN = ["before", "during", "after"];
const around = (names: string[]): string[] =>
  names.flatMap((name) => WHEN.map((when) => `${when}:${name}`));

/** Between Pub/Sub's acceptance and its response: only the server knows when that is. */
export const ACCEPTANCE = "acceptance";
/** Wherever the process happens to be. */
export const ANY_MOMENT = "any moment";

/** What every relay comes by: its leases, and its partitions' messages on their way out. */
export const WORKER_POINTS: readonly string[] = [
  ...around(["announce", "renew", "take", "doubt-taken", "lease-commit"]),
  ...around(["claim", "send", "mark", "doubt", "unclaim"]),
  ACCEPTANCE,
  ANY_MOMENT,
];

/** What the holder of a leader comes by: it captures, and finds out what became of lost requests. */
export const LEAD_POINTS: readonly string[] = around([
  "capture",
  "capture-commit",
  "read-doubts",
  "barrier",
  "pull",
  "receipt",
  "acknowledge",
  "resolve",
  "purge",
]);

/** Every await point of the relay that bears on what is told to the world. */
export const KILL_POINTS: readonly string[] = [...WORKER_POINTS, ...LEAD_POINTS];
