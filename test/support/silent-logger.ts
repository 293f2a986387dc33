type Log = (message: unknown) => void;
type Logger = Record<"trace" | "debug" | "info" | "warn" | "error", Log> & {
  child: (context: object) => Logger;
};

/** What the engine takes for its logger, and nobody reads. */
export function silentLogger(): Logger {
  const silent = () => undefined;
  const levels = { trace: silent, debug: silent, info: silent, warn: silent, error: silent };
  return { ...levels, child: silentLogger };
}
