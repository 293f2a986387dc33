export type End = () => unknown;

/**
 * Ends what was begun, the last first. One that fails does not keep the others from ending.
 *
 * @throws the first failure, when all are ended
 */
export async function endAll(ends: End[]): Promise<void> {
  const failures: unknown[] = [];
  for (const end of ends.splice(0).reverse())
    try {
      await end();
    } catch (error) {
      failures.push(error);
    }
  if (failures.length > 0) throw failures[0];
}
