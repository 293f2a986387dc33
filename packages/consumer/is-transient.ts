// PostgreSQL's error classes (appendix A of its manual) that say nothing about the message: lost
// connection, serialization failure or deadlock, resources run out, operator's intervention.
const TRANSIENT_CLASSES = new Set(["08", "40", "53", "57"]);
// Lock not available; a transaction that was idle, or that took, too long.
const TRANSIENT_CODES = new Set(["55P03", "25P03", "25P04"]);
const NETWORK_CODES = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "EPIPE",
  "ETIMEDOUT",
  "ENOTFOUND",
  "EAI_AGAIN",
]);
// pg gives these no code.
const LOST_CONNECTION =
  /^(Connection terminated|Client has encountered a connection error|timeout exceeded when trying to connect|timeout expired)/;

/**
 * Whether an error comes from the database being away or busy, and not from the message: then it
 * is tried again for as long as it takes, and does not count against the message.
 */
export function isTransient(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code } = error as { code?: unknown };
  if (typeof code === "string")
    return (
      NETWORK_CODES.has(code) ||
      TRANSIENT_CODES.has(code) ||
      (code.length === 5 && TRANSIENT_CLASSES.has(code.slice(0, 2)))
    );
  return LOST_CONNECTION.test(error.message);
}
