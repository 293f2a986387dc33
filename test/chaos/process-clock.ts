const SystemDate = Date;
let offsetMs = 0;

class ProcessDate extends SystemDate {
  constructor(...args: unknown[]) {
    if (args.length === 0) super(ProcessDate.now());
    else super(...(args as [number]));
  }

  static override now(): number {
    return SystemDate.now() + offsetMs;
  }
}

/** Sets the clock that this whole process reads, libraries included; timers go on as before. */
export function jumpClock(byMs: number): void {
  offsetMs += byMs;
  globalThis.Date = ProcessDate as DateConstructor;
}
