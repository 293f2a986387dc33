import type { SeenMessage } from "./message-ways.ts";
import type { Snapshot } from "./snapshot.ts";

/** Where `npm start` says what goes on. */
export type Output = {
  /** What it is busy with, at the start and at the end; null while everything runs. */
  state(text: string | null): void;
  /** Where the parts are, one line for each. */
  banner(lines: string[]): void;
  /** Something that a person should know. */
  notice(text: string): void;
  /** A line that one of the processes printed. */
  line(process: string, text: string): void;
  message(message: SeenMessage): void;
  snapshot(snapshot: Snapshot): void;
  /** Ends it; the summary is the last line of standard output. */
  close(summary: object | null): void;
};
