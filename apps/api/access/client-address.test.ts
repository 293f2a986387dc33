import { expect, test } from "vitest";
import { clientAddress } from "./client-address.ts";

test.each([
  ["10.0.0.1", undefined, 0, "10.0.0.1"],
  ["::ffff:10.0.0.1", undefined, 0, "10.0.0.1"],
  ["10.0.0.1", "6.6.6.6", 0, "10.0.0.1"],
  ["10.0.0.1", "6.6.6.6, 1.2.3.4", 1, "1.2.3.4"],
  ["10.0.0.1", "6.6.6.6, 1.2.3.4, 10.0.0.2", 2, "1.2.3.4"],
  ["10.0.0.1", "1.2.3.4", 2, "10.0.0.1"],
  ["10.0.0.1", "nonsense", 1, "10.0.0.1"],
  ["::1", undefined, 0, "::1"],
  ["2001:db8:1:2:3:4:5:6", undefined, 0, "2001:db8:1:2::/64"],
  ["2001:db8::6", undefined, 0, "2001:db8:0:0::/64"],
  [undefined, undefined, 0, ""],
])("from %s, with %s behind %s proxies, is %s", (remote, forwarded, proxies, address) => {
  expect(clientAddress(remote, forwarded, proxies)).toBe(address);
});
