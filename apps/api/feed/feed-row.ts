/** A message of the journal as the feed has it. */
export type FeedRow = {
  /** Its place among all messages of its publication: 1, 2, 3 … without a gap. */
  feed_offset: number;
  message_id: string;
  /** Of the event that is published or retracted. */
  event_id: string;
  kind: "event" | "retraction";
  ordering_key: string;
  sequence: number;
  chain_id: number;
  /** The bytes of the message, as text. */
  body: string;
  /** As they are sent. */
  attributes: Record<string, string>;
  captured_at: Date;
  /** Whether Pub/Sub was known to have accepted it when this was read. */
  accepted: boolean;
};

/** A publication, and which offsets of it there are. */
export type FeedBounds = {
  publication_id: number;
  topic: string;
  /** As it is configured: `finalized`, `latest`, `confirmations:<n>`. */
  finality: string;
  /** The first that is kept; where there is none yet, the one that comes next. */
  first_offset: number;
  /** The last that was ever given. */
  last_offset: number;
  /** The last that may be read: less while a journal of an older relay is being numbered. */
  numbered_to: number;
};
