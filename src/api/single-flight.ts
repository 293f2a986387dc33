/**
 * One read at a time, for everybody who waits for it. Who asks while one is in flight gets the
 * next one, which begins after they asked: so nobody gets what was read before their question.
 */
export function singleFlight<T>(read: () => Promise<T>): () => Promise<T> {
  let current: Promise<unknown> | null = null;
  let next: Promise<T> | null = null;
  return () => {
    next ??= (async () => {
      await current?.catch(() => undefined);
      next = null;
      const reading = read();
      current = reading;
      try {
        return await reading;
      } finally {
        if (current === reading) current = null;
      }
    })();
    return next;
  };
}
