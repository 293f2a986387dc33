import { expect, test } from "vitest";
import { enginePace } from "./engine-pace.ts";

test("an endpoint is listed once for every 20 requests per second that it allows", () => {
  expect(enginePace(["a"], 20)).toEqual(["a"]);
  expect(enginePace(["a"], 59)).toEqual(["a", "a"]);
  expect(enginePace(["a"], 60)).toEqual(["a", "a", "a"]);
});

test("an endpoint that allows less than 20 is listed once even so", () => {
  expect(enginePace(["a"], 1)).toEqual(["a"]);
});

test("several endpoints keep their order of preference", () => {
  expect(enginePace(["a", "b"], 40)).toEqual(["a", "a", "b", "b"]);
});
