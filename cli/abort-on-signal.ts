/** Aborted by Ctrl-C, or by whoever ends this process in good order. */
export function abortOnSignal(): AbortSignal {
  const stop = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, () => stop.abort());
  return stop.signal;
}
