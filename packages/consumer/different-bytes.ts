import type { Envelope } from "./envelope.ts";
import { PermanentFailure } from "./permanent-failure.ts";

/**
 * Two messages claim the same place in a key. Copies are byte-identical by contract, so one of the
 * two is wrong, and nothing here can tell which: it needs operator action.
 */
export class DifferentBytes extends PermanentFailure {
  override name = "DifferentBytes";

  constructor(envelope: Envelope, known: { messageId: string | null; hash: string }) {
    super(
      `Message ${envelope.messageId} of key ${envelope.orderingKey} on ${envelope.publication} has ` +
        `sequence ${envelope.sequence} and hash ${envelope.hash}, but that sequence was ` +
        `${known.messageId ?? "another message"} with hash ${known.hash}.`,
    );
  }
}
