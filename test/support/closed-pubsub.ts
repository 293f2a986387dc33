import { Server, ServerCredentials } from "@grpc/grpc-js";
import { loadPubsubProtos } from "../../packages/pubsub-emulator/load-pubsub-protos.ts";

/** A Pub/Sub server where every topic exists and nobody may do anything with it. */
export async function startClosedPubsub(): Promise<{ host: string; stop(): void }> {
  const { publisher, iamPolicy } = loadPubsubProtos();
  const server = new Server();
  server.addService(pick(publisher, "GetTopic"), {
    GetTopic: (call: { request: { topic: string } }, done: Answer) =>
      done(null, { name: call.request.topic }),
  });
  server.addService(iamPolicy, {
    TestIamPermissions: (_: unknown, done: Answer) => done(null, { permissions: [] }),
  });
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  );
  return { host: `127.0.0.1:${port}`, stop: () => server.forceShutdown() };
}

type Answer = (error: null, response: object) => void;
type Service = ReturnType<typeof loadPubsubProtos>["publisher"];

function pick(service: Service, method: string): Service {
  return Object.fromEntries(Object.entries(service).filter(([name]) => name === method)) as Service;
}
