/** A body that is none of this contract; the message says which and why. */
export class InvalidBody extends Error {
  override name = "InvalidBody";
  /** A newer relay sent it: another type of event, or another shape of a known one. */
  readonly isUnknown: boolean;

  constructor(
    message: string,
    { isUnknown = false, cause }: { isUnknown?: boolean; cause?: unknown } = {},
  ) {
    super(message, { cause });
    this.isUnknown = isUnknown;
  }
}
