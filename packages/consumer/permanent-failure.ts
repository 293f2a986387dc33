/**
 * Thrown by an effect that trying again cannot help: the message is dead-lettered at once. The
 * library's own `MalformedMessage` and `DifferentBytes` are of this class.
 */
export class PermanentFailure extends Error {
  override name = "PermanentFailure";
}
