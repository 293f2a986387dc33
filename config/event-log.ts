type Write = (fields: { event: string; [name: string]: unknown }, text: string) => void;

/**
 * Where a process says what happens to it: an event with a stable name, for machines, and a
 * sentence, for a person. The names are listed in docs/reference/log-events.md, which is made from
 * the sources.
 */
export type EventLog = { info: Write; warn: Write; error: Write };
