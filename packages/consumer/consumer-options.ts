export type ConsumerOptions = {
  /** Whose high-water marks these are; consumers with one name share the work of one. */
  name: string;
  /** Schema of the library's tables; `consumer` by default. See `migrate`. */
  schema?: string;
  /**
   * What becomes of a message whose predecessor is missing. `nack` (default): the caller hands it
   * back to Pub/Sub. `park`: it is stored in the same transaction, may be acknowledged, and is
   * applied when the gap is filled.
   */
  onEarly?: "nack" | "park";
  /**
   * `one` (default): a key begins at sequence 1. `first-seen`: at the first message that comes,
   * for a consumer that joins late; what came before is never applied, and the subscription must
   * have message ordering enabled, or a later message may hide an earlier one.
   */
  startAt?: "one" | "first-seen";
};

/** Schema of the library's tables, quoted. @throws when the name is not a plain one */
export function schemaOf({ schema = "consumer" }: Pick<ConsumerOptions, "schema">): string {
  // No quoting rules to get wrong, and no surprise when it is typed without quotes in psql.
  if (!/^[a-z_][a-z0-9_]{0,62}$/.test(schema))
    throw new Error(`schema "${schema}" is not a lower-case name of letters, digits and _`);
  return `"${schema}"`;
}
