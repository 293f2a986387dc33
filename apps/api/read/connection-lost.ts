/** So often in a row what failed on a lost connection is tried on another one. */
export const MAX_LOST = 3;

/** Whether the connection is gone, and with it what was asked; the database itself may be there. */
export function isConnectionLost(error: unknown): boolean {
  const { code = "", message = "" } = (error ?? {}) as { code?: string; message?: string };
  return (
    /^(ECONNRESET|EPIPE|57P01)$/.test(code) ||
    // Not "due to connection timeout": that one was never there.
    /^Connection terminated( unexpectedly)?$/.test(message)
  );
}
