import { PermanentFailure } from "./permanent-failure.ts";

/** A message that breaks the contract with its consumers; no delivery of it can ever be applied. */
export class MalformedMessage extends PermanentFailure {
  override name = "MalformedMessage";
}
