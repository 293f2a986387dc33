import { expect, test } from "vitest";
import { clientOptions, refuseOtherRegions, TopicUnusable } from "./pubsub-endpoint.ts";

test("With a region all requests go to that region's own endpoint", () => {
  const cloud = { projectId: "p" };
  expect(clientOptions({ ...cloud, region: "europe-west1" })).toMatchObject({
    servicePath: "europe-west1-pubsub.googleapis.com",
  });
  expect(clientOptions(cloud)).not.toHaveProperty("servicePath");
  const emulator = { ...cloud, region: "europe-west1", emulatorHost: "localhost:8085" };
  expect(clientOptions(emulator)).toMatchObject({ servicePath: "localhost", port: 8085 });
});

test("A topic that may not keep its messages in the region is refused, and any other is used", () => {
  const config = { projectId: "p", region: "europe-west1" };
  const refuse = (regions: string[]) => () => refuseOtherRegions(config, "t", regions);
  expect(refuse(["us-east1", "us-east4"])).toThrow(TopicUnusable);
  expect(refuse(["us-east1"])).toThrow("PUBSUB_REGION");
  expect(refuse([])).not.toThrow();
  expect(refuse(["us-east1", "europe-west1"])).not.toThrow();
});
