/** How far the rows of a line may go on a final publication, and what they wait for. Heights. */
export type LineFinality = {
  line: number;
  /** The outbox's own word. */
  finalThrough: number;
  /** Whether more than that is waited for. */
  gate: "on" | "off";
  /** Up to where it came; null while there is none, or where the gate is off. */
  verifiedThrough: number | null;
  /** What it rests on, in the words of whoever verifies. */
  basis: string | null;
  /** The height of the first row that is final and held; null while none is. */
  heldAt: number | null;
  /** Why it is held. */
  because: string | null;
};
