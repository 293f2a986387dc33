/** Shows what goes on in one line of a terminal; nothing when nobody looks. An empty text clears it. */
export function showProgress(step: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${step}`);
}
