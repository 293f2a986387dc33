import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { lockDataFolder } from "./data-folder-lock.ts";
import type { Delivery } from "./delivery.ts";
import { type Backlog, DoneLog } from "./done-log.ts";
import { alreadyExists, notFound } from "./grpc-error.ts";
import { makeFolder } from "./make-folder.ts";
import { MemoryTopicLog } from "./memory-topic-log.ts";
import { MessageView } from "./message-view.ts";
import { encodeMessage } from "./message-wire.ts";
import { type Metadata, readMetadata, writeMetadata } from "./metadata-file.ts";
import { DELETED_TOPIC, type SubscriptionResource, type TopicResource } from "./resources.ts";
import { Subscription } from "./subscription.ts";
import { Topic } from "./topic.ts";
import { FileTopicLog } from "./topic-log.ts";

/**
 * All topics and subscriptions of the server, and where they are kept:
 *
 *     <dataDir>/server.lock             which process has the folder
 *     <dataDir>/metadata.json           topics and subscriptions, replaced on every change
 *     <dataDir>/topics/<uid>/*.log      messages, appended
 *     <dataDir>/subscriptions/<uid>.log what each subscription is done with, appended
 *
 * Without a data folder everything is in memory only. Files that metadata.json does not name are
 * left-overs of an interrupted creation or deletion and are removed on opening.
 */
export class Broker {
  readonly topics = new Map<string, Topic>();
  readonly subscriptions = new Map<string, Subscription>();
  /** The topic of each attached subscription, deleted topics included. */
  readonly #topicOf = new Map<Subscription, Topic>();
  readonly #dataDir: string | undefined;
  readonly #lock: { release(): void } | undefined;
  #nextUid = 1;

  constructor(dataDir?: string) {
    this.#dataDir = dataDir;
    if (dataDir === undefined) return;
    for (const name of ["topics", "subscriptions"]) {
      makeFolder(join(dataDir, name));
    }
    this.#lock = lockDataFolder(dataDir);
    this.#load(dataDir);
  }

  topic(name: string): Topic {
    const topic = this.topics.get(name);
    if (topic === undefined) throw notFound(name);
    return topic;
  }

  subscription(name: string): Subscription {
    const subscription = this.subscriptions.get(name);
    if (subscription === undefined) throw notFound(name);
    return subscription;
  }

  topicOf(subscription: Subscription): Topic | undefined {
    return this.#topicOf.get(subscription);
  }

  createTopic(resource: TopicResource): Topic {
    if (this.topics.has(resource.name)) throw alreadyExists(resource.name);
    const topic = this.#openTopic(this.#nextUid++, resource, false);
    this.topics.set(resource.name, topic);
    this.saveMetadata();
    return topic;
  }

  /** Subscriptions stay, with their open messages. */
  deleteTopic(name: string): void {
    const topic = this.topic(name);
    this.topics.delete(name);
    topic.isDeleted = true;
    for (const subscription of topic.subscriptions) {
      subscription.resource = { ...subscription.resource, topic: DELETED_TOPIC };
    }
    this.saveMetadata();
    this.#destroyIfUnused(topic);
  }

  createSubscription(resource: SubscriptionResource): Subscription {
    if (this.subscriptions.has(resource.name)) throw alreadyExists(resource.name);
    const topic = this.topic(resource.topic);
    const uid = this.#nextUid++;
    const path = this.#doneLogPath(uid);
    const log = path === undefined ? undefined : DoneLog.create(path, topic.nextSequence);
    const subscription = this.#newSubscription(uid, topic.nextSequence, resource, log);
    this.#attach(subscription, topic);
    this.saveMetadata();
    return subscription;
  }

  deleteSubscription(name: string): void {
    const subscription = this.subscription(name);
    this.subscriptions.delete(name);
    this.#leaveTopic(subscription);
    subscription.destroy();
  }

  /** Drops the backlog and receives nothing more. */
  detachSubscription(name: string): void {
    const subscription = this.subscription(name);
    subscription.resource = { ...subscription.resource, detached: true };
    subscription.reset([], 0);
    this.#leaveTopic(subscription);
  }

  saveMetadata(): void {
    if (this.#dataDir === undefined) return;
    const topics = new Set([...this.topics.values(), ...this.#topicOf.values()]);
    const metadata: Metadata = {
      nextUid: this.#nextUid,
      topics: [...topics].map(({ uid, isDeleted, resource }) => ({
        uid,
        deleted: isDeleted,
        resource,
      })),
      subscriptions: [...this.subscriptions.values()].map((subscription) => ({
        uid: subscription.uid,
        topicUid: this.#topicOf.get(subscription)?.uid ?? null,
        firstSequence: subscription.firstSequence,
        resource: subscription.resource,
      })),
    };
    writeMetadata(join(this.#dataDir, "metadata.json"), metadata);
  }

  /** Gives back memory and disk that nobody can ask for any more. */
  trim(): void {
    for (const topic of new Set([...this.topics.values(), ...this.#topicOf.values()])) topic.trim();
  }

  close(): void {
    const topics = new Set([...this.topics.values(), ...this.#topicOf.values()]);
    for (const subscription of this.subscriptions.values()) subscription.close();
    for (const topic of topics) topic.close();
    this.#lock?.release();
  }

  #load(dataDir: string): void {
    const metadata = readMetadata(join(dataDir, "metadata.json"));
    this.#nextUid = metadata.nextUid;
    const topics = new Map<number, Topic>();
    for (const { uid, deleted, resource } of metadata.topics) {
      const topic = this.#openTopic(uid, resource, deleted);
      topics.set(uid, topic);
      if (!deleted) this.topics.set(resource.name, topic);
    }
    const backlogs = new Map<Topic, Map<Subscription, Backlog>>();
    for (const { uid, topicUid, firstSequence, resource } of metadata.subscriptions) {
      const { log, backlog } = DoneLog.recover(this.#doneLogPath(uid) as string);
      const subscription = this.#newSubscription(uid, firstSequence, resource, log);
      const topic = topicUid === null ? undefined : topics.get(topicUid);
      if (topic === undefined) continue;
      this.#attach(subscription, topic);
      backlogs.set(topic, (backlogs.get(topic) ?? new Map()).set(subscription, backlog));
    }
    for (const [topic, ofTopic] of backlogs) topic.recover(ofTopic);
    this.#removeLeftovers(join(dataDir, "topics"), topics);
    const uids = new Set(metadata.subscriptions.map(({ uid }) => uid));
    this.#removeLeftovers(join(dataDir, "subscriptions"), uids);
  }

  #removeLeftovers(directory: string, known: { has(uid: number): boolean }): void {
    for (const name of readdirSync(directory)) {
      if (known.has(Number(name.replace(/\.log$/, "")))) continue;
      rmSync(join(directory, name), { recursive: true, force: true });
    }
  }

  #doneLogPath(uid: number): string | undefined {
    return this.#dataDir && join(this.#dataDir, "subscriptions", `${uid}.log`);
  }

  #openTopic(uid: number, resource: TopicResource, isDeleted: boolean): Topic {
    const directory = this.#dataDir && join(this.#dataDir, "topics", String(uid));
    return new Topic({
      uid,
      resource,
      isDeleted,
      openLog: (keepsHistory) =>
        directory === undefined ? new MemoryTopicLog(keepsHistory) : new FileTopicLog(directory),
    });
  }

  #newSubscription(
    uid: number,
    firstSequence: number,
    resource: SubscriptionResource,
    log: DoneLog | undefined,
  ): Subscription {
    const subscription = new Subscription({
      uid,
      firstSequence,
      resource,
      log,
      deadLetter: (from, delivery) => this.#forwardDeadLetter(from, delivery),
    });
    this.subscriptions.set(resource.name, subscription);
    return subscription;
  }

  #attach(subscription: Subscription, topic: Topic): void {
    topic.subscriptions.add(subscription);
    this.#topicOf.set(subscription, topic);
  }

  #leaveTopic(subscription: Subscription): void {
    const topic = this.#topicOf.get(subscription);
    this.#topicOf.delete(subscription);
    topic?.subscriptions.delete(subscription);
    this.saveMetadata();
    if (topic !== undefined) this.#destroyIfUnused(topic);
  }

  #destroyIfUnused(topic: Topic): void {
    if (topic.isDeleted && topic.subscriptions.size === 0) topic.destroy();
  }

  /** Attributes as in the Pub/Sub docs, "Dead-letter topics". */
  #forwardDeadLetter(subscription: Subscription, { message, failures }: Delivery): boolean {
    const { deadLetterPolicy, name } = subscription.resource;
    const topic = this.topics.get(deadLetterPolicy?.deadLetterTopic ?? "");
    if (topic === undefined) return false;
    const view = new MessageView(message.bytes);
    const [, project = "", , id = ""] = name.split("/");
    const publishTime = new Date(message.publishTimeMs).toISOString();
    const attributes = new Map([
      ...view.attributes,
      ["CloudPubSubDeadLetterSourceDeliveryCount", String(failures)],
      ["CloudPubSubDeadLetterSourceSubscription", id],
      ["CloudPubSubDeadLetterSourceSubscriptionProject", project],
      ["CloudPubSubDeadLetterSourceTopicPublishTime", publishTime],
    ]);
    const { orderingKey } = message;
    const bytes = encodeMessage({ data: view.data, attributes: [...attributes], orderingKey });
    topic.publish([{ bytes, orderingKey }]);
    return true;
  }
}
