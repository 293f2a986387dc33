import { createRequire } from "node:module";
import type { ServiceDefinition } from "@grpc/grpc-js";
import { fromJSON, type PackageDefinition } from "@grpc/proto-loader";

interface ProtoNamespace {
  nested: Record<string, ProtoNamespace>;
  fields: Record<string, { type: string }>;
}

const IAM = {
  nested: {
    google: {
      nested: {
        iam: {
          nested: {
            v1: {
              nested: {
                IAMPolicy: {
                  methods: {
                    TestIamPermissions: {
                      requestType: "TestIamPermissionsRequest",
                      responseType: "TestIamPermissionsResponse",
                    },
                  },
                },
                TestIamPermissionsRequest: {
                  fields: {
                    resource: { type: "string", id: 1 },
                    permissions: { rule: "repeated", type: "string", id: 2 },
                  },
                },
                TestIamPermissionsResponse: {
                  fields: { permissions: { rule: "repeated", type: "string", id: 1 } },
                },
              },
            },
          },
        },
      },
    },
  },
};

const OPTIONS = { longs: Number, enums: String, defaults: true };

/**
 * The services of google.pubsub.v1, from the definition that `@google-cloud/pubsub` ships.
 *
 * Messages stay encoded: `PublishRequest.messages` and `ReceivedMessage.message` are declared as
 * bytes, which has the same wire form as an embedded message.
 */
export function loadPubsubProtos(): {
  publisher: ServiceDefinition;
  subscriber: ServiceDefinition;
  iamPolicy: ServiceDefinition;
} {
  const require = createRequire(import.meta.url);
  const json: ProtoNamespace = structuredClone(
    require("@google-cloud/pubsub/build/protos/protos.json"),
  );
  const pubsub = json.nested.google?.nested.pubsub?.nested.v1?.nested;
  const messages = pubsub?.PublishRequest?.fields.messages;
  const message = pubsub?.ReceivedMessage?.fields.message;
  if (messages === undefined || message === undefined) {
    throw new Error("@google-cloud/pubsub ships another protos.json than this server knows");
  }
  messages.type = "bytes";
  message.type = "bytes";
  const services = parse(json);
  return {
    publisher: service(services, "google.pubsub.v1.Publisher"),
    subscriber: service(services, "google.pubsub.v1.Subscriber"),
    iamPolicy: service(parse(IAM), "google.iam.v1.IAMPolicy"),
  };
}

const parse = (json: object): PackageDefinition =>
  fromJSON(json as Parameters<typeof fromJSON>[0], OPTIONS);

function service(definitions: PackageDefinition, name: string): ServiceDefinition {
  const definition = definitions[name];
  if (definition === undefined) throw new Error(`no service ${name} in the Pub/Sub definition`);
  return definition as unknown as ServiceDefinition;
}
