import type { PubsubMessage } from "./pubsub-message.ts";

/** A key of a publication: the unit that has one order and one high-water mark. */
export type MessageKey = {
  /** Topic id. */
  readonly publication: string;
  readonly orderingKey: string;
};

/** A message's place, and what tells it from another one in the same place. */
export type Envelope = MessageKey & {
  /** 1, 2, 3 … in its key, without gaps. */
  readonly sequence: number;
  /** The id of this message, which is not always the id of its event. */
  readonly messageId: string;
  readonly hash: string;
  readonly source: PubsubMessage;
};
