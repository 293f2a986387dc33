/** What Pub/Sub hands over. A `Message` of @google-cloud/pubsub fits as it is. */
export type PubsubMessage = {
  readonly data: Uint8Array;
  readonly attributes: Readonly<Record<string, string>>;
  readonly orderingKey?: string | undefined;
  readonly publishTime?: Date | undefined;
};
