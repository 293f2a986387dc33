export { BARRIER_ATTRIBUTE } from "./barrier-attribute.ts";
export type {
  ApprovedBody,
  ArbiterChangedBody,
  EscrowCreatedBody,
  EscrowDeployedBody,
  EscrowRefundedBody,
  EscrowReleasedBody,
  EventBody,
  EventRetractedBody,
  EventType,
  Hex,
} from "./bodies.ts";
export { decodeBody, type MessageBody } from "./decode-body.ts";
export { InvalidBody } from "./invalid-body.ts";
export {
  type Attributes,
  barrierAttributes,
  identityOf,
  type MessageIdentity,
  type MessagePlace,
  messageAttributes,
  messageId,
} from "./message-attributes.ts";
export { parseBody } from "./parse-body.ts";
export { type Published, RETRACTION_TYPE, type Retraction, retractionOf } from "./retraction.ts";
