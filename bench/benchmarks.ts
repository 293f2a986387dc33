import { relayBenchmark } from "./relay/relay-benchmark.ts";

/** Every benchmark by the name that `npm run bench -- <name>` takes. */
export const BENCHMARKS = { relay: relayBenchmark };
