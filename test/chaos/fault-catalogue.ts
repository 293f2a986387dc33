import { FAULTS_OF_POSTGRES } from "./faults-of-postgres.ts";
import { FAULTS_OF_PROCESSES } from "./faults-of-processes.ts";
import { FAULTS_OF_PUBLISHING } from "./faults-of-publishing.ts";
import { FAULTS_OF_PUBSUB } from "./faults-of-pubsub.ts";
import type { Fault } from "./stage.ts";

/** Every fault that the suite injects, besides the kills. */
export const FAULTS: readonly Fault[] = [
  ...FAULTS_OF_PUBLISHING,
  ...FAULTS_OF_PUBSUB,
  ...FAULTS_OF_POSTGRES,
  ...FAULTS_OF_PROCESSES,
];
