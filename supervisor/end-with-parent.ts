/** As long as the supervisor would wait before it uses force. */
const LONGEST_MS = 20_000;

/**
 * When another process of ours started this one, ends it in good order (as by SIGTERM) once that
 * process is gone, however it went, and by force after a while. Started by hand, it does nothing.
 *
 * @param withinMs how long the good order may take
 */
export function endWithParent(withinMs: number = LONGEST_MS): void {
  if (process.channel === undefined) return;
  process.once("disconnect", () => {
    setTimeout(endByForce, withinMs).unref();
    // At the exit pino flushes what it has, and at a pipe that nobody reads any more it tries for
    // ever (sonic-boom 4.2, `flushSync`). Nobody hears of our exit code either.
    process.prependListener("exit", endByForce);
    process.kill(process.pid, "SIGTERM");
  });
  // Nobody's reason to stay alive.
  process.channel.unref();
}

function endByForce(): void {
  process.kill(process.pid, "SIGKILL");
}
