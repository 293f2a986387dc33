import {
  Server,
  ServerCredentials,
  status,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { Broker } from "./broker.ts";
import { CannotStart } from "./cannot-start.ts";
import { GrpcError } from "./grpc-error.ts";
import { loadPubsubProtos } from "./load-pubsub-protos.ts";
import { type OnPublish, publisherService } from "./publisher-service.ts";
import type { StreamingPull } from "./streaming-pull.ts";
import { subscriberService } from "./subscriber-service.ts";
import { unary } from "./unary.ts";

export interface PubsubServerOptions {
  /** 0 or left out: the system chooses. */
  port?: number;
  /** Interface to listen on; 127.0.0.1 by default. */
  host?: string;
  /** Where everything is kept across restarts. Left out: in memory only. */
  dataDir?: string;
  /** Stands around every Publish request, e.g. to inject faults. */
  onPublish?: OnPublish;
}

interface PubsubServerStats {
  topics: Record<string, { published: number }>;
  /** `open`: not done, whether handed out (`outstanding`) or not. */
  subscriptions: Record<string, { open: number; outstanding: number }>;
  openStreams: number;
}

export interface PubsubServer {
  readonly port: number;
  /** `host:port`, the form that PUBSUB_EMULATOR_HOST takes. */
  readonly address: string;
  stats(): PubsubServerStats;
  /**
   * Ends all connections (clients see UNAVAILABLE and may reconnect later) and closes the files.
   * Calling it again gives the same promise.
   */
  stop(): Promise<void>;
}

const SHUTDOWN_GRACE_MS = 250;
const TRIM_INTERVAL_MS = 2_000;
// Above the 10 MB of the service, so that a request that is too large gets the service's answer
// instead of a transport error.
const RECEIVE_LIMIT_BYTES = 64 * 1024 * 1024;
const FLOW_CONTROL_WINDOW_BYTES = 4 * 1024 * 1024;

/**
 * Starts a Pub/Sub server for google.pubsub.v1 clients, plain text, without authentication. With
 * `dataDir` a response to Publish or Acknowledge means that the operating system has the data: it
 * survives a kill of this process, not a power failure.
 *
 * @throws CannotStart when the address cannot be listened on, or `dataDir` cannot be written to or
 *   belongs to another server
 * @throws when the files of `dataDir` are damaged other than at their end
 */
export async function startPubsubServer(options: PubsubServerOptions = {}): Promise<PubsubServer> {
  const { port = 0, host = "127.0.0.1", dataDir, onPublish } = options;
  const protos = loadPubsubProtos();
  const broker = openBroker(dataDir);
  const streams = new Set<StreamingPull>();
  const server = new Server({
    "grpc.max_receive_message_length": RECEIVE_LIMIT_BYTES,
    "grpc.max_send_message_length": -1,
    "grpc-node.flow_control_window": FLOW_CONTROL_WINDOW_BYTES,
  });
  server.addService(
    protos.publisher,
    publisherService(broker, protos.publisher, streams, onPublish),
  );
  server.addService(protos.subscriber, subscriberService(broker, protos.subscriber, streams));
  server.addService(protos.iamPolicy, iamPolicyService());
  const boundPort = await bind(
    server,
    host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`,
  ).catch((error) => {
    broker.close();
    throw error;
  });
  const trimming = setInterval(() => broker.trim(), TRIM_INTERVAL_MS).unref();

  const stop = async (): Promise<void> => {
    clearInterval(trimming);
    for (const stream of [...streams]) {
      stream.end(new GrpcError(status.UNAVAILABLE, "The local Pub/Sub server is stopping."));
    }
    await shutDown(server);
    broker.close();
  };
  let stopped: Promise<void> | undefined;
  return {
    port: boundPort,
    address: `${connectHost(host)}:${boundPort}`,
    stats: () => stats(broker, streams),
    stop() {
      stopped ??= stop();
      return stopped;
    },
  };
}

/** What a client connects to: "all interfaces" is no address for it. */
function connectHost(host: string): string {
  if (host === "0.0.0.0") return "127.0.0.1";
  if (host === "::") return "[::1]";
  return host.includes(":") ? `[${host}]` : host;
}

function openBroker(dataDir: string | undefined): Broker {
  try {
    return new Broker(dataDir);
  } catch (error) {
    const { code, syscall } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    throw new CannotStart(`cannot write to ${dataDir}: ${code} (${syscall})`, { cause: error });
  }
}

function bind(server: Server, address: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(address, ServerCredentials.createInsecure(), (error, port) => {
      if (error)
        reject(
          new CannotStart(`cannot listen on ${address}: ${reasonOf(error)}`, { cause: error }),
        );
      else resolve(port);
    });
  });
}

/** The gRPC library gives the system's error as text only. */
function reasonOf({ message }: Error): string {
  if (message.includes("EADDRINUSE")) return "the port is in use";
  if (message.includes("EADDRNOTAVAIL")) return "this machine has no such address";
  if (message.includes("EACCES")) return "not permitted";
  return message;
}

/** Lets the statuses that end the calls go out, then closes what is still open. */
async function shutDown(server: Server): Promise<void> {
  const grace = setTimeout(() => server.forceShutdown(), SHUTDOWN_GRACE_MS);
  await new Promise<void>((resolve) => server.tryShutdown(() => resolve()));
  clearTimeout(grace);
}

/** Everybody may do everything. */
function iamPolicyService(): UntypedServiceImplementation {
  return {
    TestIamPermissions: unary(({ permissions }: { permissions: string[] }) => ({ permissions })),
  };
}

function stats(broker: Broker, streams: ReadonlySet<StreamingPull>): PubsubServerStats {
  return {
    topics: Object.fromEntries(
      [...broker.topics].map(([name, topic]) => [name, { published: topic.publishedCount }]),
    ),
    subscriptions: Object.fromEntries(
      [...broker.subscriptions].map(([name, subscription]) => [
        name,
        { open: subscription.openCount, outstanding: subscription.outstandingCount },
      ]),
    ),
    openStreams: streams.size,
  };
}
