/** What the process of the clients is told to do. */
export type ClientsCommand =
  /** Opens a stream for each path, and comes back for ever. */
  | { follow: { ports: number[]; paths: string[] } }
  /** Cuts the connections of so many. */
  | { drop: number }
  /** How far they are. */
  | { count: true }
  /** What each of them got. */
  | { report: true };

export type ClientCounts = { open: number; messages: number };

export type ClientsReport = {
  clients: {
    /** Offsets, in the order in which they came. */
    ids: number[];
    connections: number;
    /** Ids on what was no message. */
    otherIds: number;
  }[];
  /** From capture to the client, of some of them, in milliseconds. */
  lagMs: number[];
};
