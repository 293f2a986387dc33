import type { Fault } from "./stage.ts";

/** Every fault that the suite injects, besides the kills. */
export const FAULTS: readonly Fault[] = [];
