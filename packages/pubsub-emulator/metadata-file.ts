import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import type { SubscriptionResource, TopicResource } from "./resources.ts";

/** Everything that survives a restart except the messages and who has them. */
export interface Metadata {
  /** Numbers for topics and subscriptions; each is given out once, also across deletions. */
  nextUid: number;
  topics: { uid: number; deleted: boolean; resource: TopicResource }[];
  subscriptions: {
    uid: number;
    topicUid: number | null;
    firstSequence: number;
    resource: SubscriptionResource;
  }[];
}

export function readMetadata(path: string): Metadata {
  if (!existsSync(path)) return { nextUid: 1, topics: [], subscriptions: [] };
  return JSON.parse(readFileSync(path, "utf8"));
}

/** Replaces the file in one step: a process that dies here leaves the old or the new one. */
export function writeMetadata(path: string, metadata: Metadata): void {
  const temporary = `${path}.new`;
  writeFileSync(temporary, JSON.stringify(metadata, null, 2));
  renameSync(temporary, path);
}
