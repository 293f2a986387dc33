import { apiBenchmark } from "./api/api-benchmark.ts";
import { loadBenchmark } from "./api/load-benchmark.ts";
import { consumerBenchmark } from "./consumer/consumer-benchmark.ts";
import { backfillBenchmark } from "./indexing/backfill-benchmark.ts";
import { growthBenchmark } from "./indexing/growth-benchmark.ts";
import { liveBenchmark } from "./indexing/live-benchmark.ts";
import { replayBenchmark } from "./indexing/replay-benchmark.ts";
import { latencyBenchmark } from "./latency/latency-benchmark.ts";
import { memoryBenchmark } from "./memory/memory-benchmark.ts";
import { relayBenchmark } from "./relay/relay-benchmark.ts";
import { sourceBenchmark } from "./source/source-benchmark.ts";
import { startUpBenchmark } from "./start-up/start-up-benchmark.ts";
import { streamsBenchmark } from "./streams/streams-benchmark.ts";
import { witnessBenchmark } from "./witness/witness-benchmark.ts";

/** Every benchmark by the name that `npm run bench -- <name>` takes. */
export const BENCHMARKS = {
  replay: replayBenchmark,
  backfill: backfillBenchmark,
  growth: growthBenchmark,
  live: liveBenchmark,
  api: apiBenchmark,
  load: loadBenchmark,
  relay: relayBenchmark,
  latency: latencyBenchmark,
  consumer: consumerBenchmark,
  memory: memoryBenchmark,
  "start-up": startUpBenchmark,
  source: sourceBenchmark,
  streams: streamsBenchmark,
  witness: witnessBenchmark,
};
