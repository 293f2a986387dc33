import { randomBytes } from "node:crypto";

/** Makes the ack ids of an earlier run of the server stale instead of somebody else's. */
const RUN = randomBytes(6).toString("hex");
let given = 0;

/** An ack id that was never given out before, by any subscription. */
export const newAckId = (): string => `${RUN}-${++given}`;

/** Whether this server, in this or an earlier run, may have given out such an ack id. */
export const isAckId = (text: string): boolean => /^[0-9a-f]{12}-\d+$/.test(text);
