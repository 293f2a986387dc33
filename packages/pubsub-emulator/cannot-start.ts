/** The server cannot start as it is asked to: another port or folder is needed. Starting again does not help. */
export class CannotStart extends Error {
  override readonly name = "CannotStart";
}
