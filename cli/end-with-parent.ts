/**
 * When another process of ours started this one, ends it in good order (as by SIGTERM) once that
 * process is gone, however it went. Started by hand, it does nothing.
 */
export function endWithParent(): void {
  if (process.channel === undefined) return;
  process.once("disconnect", () => process.kill(process.pid, "SIGTERM"));
  // Nobody's reason to stay alive.
  process.channel.unref();
}
