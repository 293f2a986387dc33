/** Options of the subscription: what is handed out already would overtake an order that is handed back. */
export const ONE_AT_A_TIME = { flowControl: { maxMessages: 1, allowExcessMessages: false } };

/**
 * What is tested: ships each paid order, and hands back what the warehouse cannot take yet.
 *
 * @param {import("@google-cloud/pubsub").Subscription} subscription
 * @param {(order: number) => Promise<void>} ship
 */
export function shipOrders(subscription, ship) {
  subscription.on("message", async (message) => {
    try {
      await ship(JSON.parse(String(message.data)).order);
      message.ack();
    } catch {
      message.nack();
    }
  });
}
