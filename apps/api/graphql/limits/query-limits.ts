/** What one question may ask for. A question over a limit is refused before anything is read. */
export const QUERY_LIMITS = {
  /** Rows that an answer can have: page sizes are multiplied along the way down. */
  cost: 10_000,
  depth: 12,
  aliases: 30,
  directives: 20,
  tokens: 2_000,
  bodyBytes: 100_000,
  answerBytes: 8_000_000,
} as const;

/** What counts as so many rows, for it makes the database read more than it answers. */
export const COST_OF = { totalCount: 50, pastBlock: 500 } as const;
