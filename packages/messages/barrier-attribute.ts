/** Attribute of a barrier: a message that only the relay itself reads, and that tells consumers nothing. */
export const BARRIER_ATTRIBUTE = "relay_barrier";
