/** A message as a subscriber got it. */
export type SeenMessage = {
  topic: string;
  type: string;
  escrow: string;
  sequence: string;
  amountWei?: string;
};

const WEI_PER_ETHER = 10n ** 18n;

/**
 * The ways to write messages, one line each, from the most spacious to the tersest: what gets
 * shorter is the address, then the topic, then the name of the event. Numbers stay whole.
 */
export function messageWays(messages: SeenMessage[]): string[][] {
  return [
    messages.map((one) => row(one.topic.padEnd(24), one.type.padEnd(15), one.escrow, one)),
    messages.map((one) =>
      row(one.topic.padEnd(20), one.type.padEnd(15), short(one.escrow, 4), one),
    ),
    messages.map((one) =>
      row(
        (one.topic.split(".")[0] ?? "").padEnd(10),
        one.type.padEnd(15),
        short(one.escrow, 4),
        one,
      ),
    ),
    messages.map((one) =>
      row("", one.type.replace(/^Escrow/, "").padEnd(8), short(one.escrow, 2), one).trimStart(),
    ),
  ];
}

function row(topic: string, type: string, escrow: string, message: SeenMessage): string {
  const { sequence, amountWei } = message;
  const amount = amountWei === undefined ? "" : `  ${ether(amountWei)} ether`;
  return `    ${topic} ${type} ${escrow} #${sequence}${amount}`;
}

/** An address with that many digits at either end. */
function short(address: string, digits: number): string {
  return address.length <= 2 * digits + 3
    ? address
    : `${address.slice(0, 2 + digits)}…${address.slice(-digits)}`;
}

function ether(amountWei: string): string {
  const wei = BigInt(amountWei);
  const fraction = (wei % WEI_PER_ETHER).toString().padStart(18, "0").slice(0, 4);
  return `${wei / WEI_PER_ETHER}.${fraction}`;
}
