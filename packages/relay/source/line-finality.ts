/** How far the rows of a line may go on a final publication, and what they wait for. Heights. */
export type LineFinality = {
  line: number;
  /** The outbox's own word. */
  finalThrough: number;
  /** Whether more than that is waited for. */
  gate: "on" | "off";
  /** Up to where it came; null while there is none, or where the gate is off. */
  verifiedThrough: number | null;
  /**
   * Older rows that are not proven as a whole: a publication has none of them but those that it had
   * before, and nothing behind the first that it lacks. Null where there are none.
   */
  unproven: { through: number; to: number } | null;
  /** What it rests on, in the words of whoever verifies. */
  basis: string | null;
  /** The height of the first row that is final and held; null while none is. */
  heldAt: number | null;
  /** Why it is held. */
  because: string | null;
};
