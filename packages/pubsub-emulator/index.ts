export { CannotStart } from "./cannot-start.ts";
export { GrpcError } from "./grpc-error.ts";
export type { OnPublish, PublishRequest } from "./publisher-service.ts";
export {
  type PubsubServer,
  type PubsubServerOptions,
  startPubsubServer,
} from "./start-pubsub-server.ts";
