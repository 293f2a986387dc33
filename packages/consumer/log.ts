type Write = (fields: Record<string, unknown>, message: string) => void;

/** Where the runner reports to. A pino logger fits as it is. `fields.event` is a stable name. */
export type Log = { info: Write; warn: Write; error: Write };

export const SILENT: Log = { info: () => {}, warn: () => {}, error: () => {} };
