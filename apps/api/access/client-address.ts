import { isIP } from "node:net";

/**
 * Whose request it is: the other end of the connection, or with proxies of ours in front what the
 * outermost of them says. IPv6 addresses of one network count as one: a client has many.
 *
 * @param proxies how many of our own proxies a request comes through
 */
export function clientAddress(
  remote: string | undefined,
  forwardedFor: string | undefined,
  proxies: number,
): string {
  const hops = (forwardedFor ?? "").split(",").map((each) => each.trim());
  const said = proxies > 0 ? hops.at(-proxies) : undefined;
  const address = said !== undefined && isIP(said) !== 0 ? said : (remote ?? "");
  const plain = address.startsWith("::ffff:") ? address.slice("::ffff:".length) : address;
  return isIP(plain) === 6 ? networkOf(plain) : plain;
}

export function isLoopback(address: string): boolean {
  return (
    address === "" || address === "localhost" || address === "::1" || address.startsWith("127.")
  );
}

/** The first 64 bits of an IPv6 address; the loopback address as it is. */
function networkOf(address: string): string {
  if (address === "::1") return address;
  const [head = "", tail = ""] = address.split("::");
  const left = head === "" ? [] : head.split(":");
  const right = tail === "" ? [] : tail.split(":");
  const zeros = address.includes("::") ? Array(8 - left.length - right.length).fill("0") : [];
  return `${[...left, ...zeros, ...right].slice(0, 4).join(":")}::/64`;
}
