/** A fault that a process under test does to itself, when told to. */
export type ProcessFault =
  /** SIGKILL at a named point, when it is reached for the nth time. */
  | { kind: "die"; point: string; nth: number }
  /** SIGSTOP at a named point. */
  | { kind: "freeze"; point: string }
  /** Statements of these names fail for a while with an SQLSTATE, without being executed. */
  | { kind: "sql-error"; statements: readonly string[]; code: string; forMs: number }
  /** The next statement of this name is executed, and its answer is lost with the connection. */
  | { kind: "lost-acknowledgement"; statement: string }
  /** Every connection of the pool is held by somebody else. */
  | { kind: "pool-dry"; forMs: number }
  | { kind: "receipts-unreadable"; forMs: number }
  /** The process's clock, not the machine's. */
  | { kind: "clock-jump"; byMs: number }
  /** No NOTIFY comes, although the connection lives. */
  | { kind: "deaf"; forMs: number };

/** From the suite to the process. */
export type Order = { id: number; fault: ProcessFault };

/** From the process to the suite. */
export type Note =
  /** It has loaded, and is about to run. */
  | { type: "started" }
  /** It has got a leader. */
  | { type: "leads" }
  /** A fault took effect, once more. */
  | { type: "fired"; id: number }
  /** The last claim before a freeze, as `<publication id>/<ordering key>`. */
  | { type: "claimed"; keys: string[] }
  /** A request is about to leave, with these events; and it is over, however it ended. */
  | { type: "sending"; topicKey: string; eventIds: string[] }
  | { type: "sent"; topicKey: string };
