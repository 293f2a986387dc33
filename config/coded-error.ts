import type { ErrorCode } from "./error-catalogue.ts";

/** An error that is told by its code and its message alone. */
export class CodedError extends Error {
  override name = "CodedError";
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
