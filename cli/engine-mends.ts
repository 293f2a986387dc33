/** A place in the engine's own code, and what stands there instead. */
export type EngineMend = {
  /** Below the engine's `dist/esm`. */
  file: string;
  /** What has to stand there. */
  find: string;
  /** How often: the same flaw may stand in one file more than once. */
  times: number;
  replace: string;
};

/*
 * Flaws of the engine (ponder 0.17.7) that lose events, or show rows that no branch of the chain
 * ever had, when a chain forks while its RPC nodes disagree. Each is mended where it stands, so it
 * does not matter whether nodes are asked over HTTP or WebSocket.
 */
export const ENGINE_MENDS: readonly EngineMend[] = [
  /*
   * Following a reorg, the engine forgets the dropped blocks of its local chain, and only then asks
   * for the parents of the new one. When that fails, as it does when the node that is asked has not
   * heard of the block, nobody takes back the rows of what was forgotten, and the events of both
   * branches stay. So what was forgotten is put back; the next look at the chain tries again.
   */
  {
    file: "sync-realtime/index.js",
    find: `remoteBlock = await eth_getBlockByHash(args.rpc, [remoteBlock.parentHash, false], context);`,
    times: 1,
    replace: `try {
                    remoteBlock = await eth_getBlockByHash(args.rpc, [remoteBlock.parentHash, false], context);
                }
                catch (error) {
                    unfinalizedBlocks = unfinalizedBlocks.concat(reorgedBlocks);
                    throw error;
                }`,
  },
  /*
   * After an error the head still counts as being fetched, and is left alone whenever it is told
   * again: the engine stands still until another block is mined.
   */
  {
    file: "sync-realtime/index.js",
    find: `catch (_error) {
                blockCallback?.(false);`,
    times: 1,
    replace: `catch (_error) {
                latestFetchedBlock = undefined;
                blockCallback?.(false);`,
  },
  /*
   * A head that the engine has already built upon comes from a node that lags behind the others. It
   * is no news, but the engine takes it for a reorg, takes back the blocks after it, and indexes
   * them again with the next answer of another node.
   */
  {
    file: "sync-realtime/index.js",
    find: `if (latestBlock.hash === block.hash ||
                    latestFetchedBlock?.hash === block.hash) {`,
    times: 1,
    replace: `if (latestBlock.hash === block.hash ||
                    latestFetchedBlock?.hash === block.hash ||
                    unfinalizedBlocks.some(({ hash }) => hash === block.hash)) {`,
  },
  /*
   * A block waits in a queue until its events are made, and then its logs are held against the
   * escrows that are known at that time. When another fork was followed meanwhile, those of this
   * block may have been forgotten, or stand with a higher block of the other branch: the block is
   * indexed without their events. So every block takes along what was known when it came.
   */
  {
    file: "sync-realtime/index.js",
    find: `childAddresses: blockWithFilteredEventData.childAddresses,
            blockCallback,`,
    times: 1,
    replace: `childAddresses: blockWithFilteredEventData.childAddresses,
            knownChildren: new Map(Array.from(childAddresses, ([factoryId, known]) => [
                factoryId,
                new Map(blockWithFilteredEventData.logs
                    .map(({ address }) => address.toLowerCase())
                    .filter((address) => known.has(address))
                    .map((address) => [address, known.get(address)])),
            ])),
            blockCallback,`,
  },
  {
    file: "runtime/realtime.js",
    find: `})),
                    childAddresses,
                });`,
    times: 2,
    replace: `})),
                    childAddresses: event.knownChildren,
                });`,
  },
  {
    file: "runtime/realtime.js",
    find: `})),
                    childAddresses: params.childAddresses,
                });`,
    times: 1,
    replace: `})),
                    childAddresses: event.knownChildren,
                });`,
  },
  /*
   * A batch of a backfill that ends one block before the last final one was committed with the
   * checkpoint of that last block, whose events come with the next batch. Killed in between, the
   * engine goes on behind the checkpoint, and they are never indexed.
   */
  {
    file: "runtime/historical.js",
    find: `if (cursor >= toBlock) {
                yield { events, checkpoint: params.to, blockRange };`,
    times: 1,
    replace: `if (cursor > toBlock) {
                yield { events, checkpoint: params.to, blockRange };`,
  },
  /*
   * A reorg of one chain takes back, with the dropped blocks, whatever other chains did after them,
   * and the engine indexed that again only with the next block of any chain. Meanwhile rows were
   * missing that nothing had happened to, also final ones, and every checkpoint claimed them. So it
   * is indexed again in the transaction that takes it back, as a block without events of its own,
   * which also sets the chain's checkpoint to the last block that both branches have. The engine
   * has a counter of reorgs as well, and never raises it.
   */
  {
    file: "runtime/realtime.js",
    find: `event_count: reorgedEvents.length,
                    });
                }
                pendingEvents = pendingEvents.filter((e) => isReorgedEvent(e) === false);
                yield { type: "reorg", chain, checkpoint };`,
    times: 1,
    replace: `event_count: reorgedEvents.length,
                    });
                }
                const keptEvents = pendingEvents
                    .filter((e) => isReorgedEvent(e) === false)
                    .sort((a, b) => (a.checkpoint < b.checkpoint ? -1 : 1));
                pendingEvents = [];
                executedEvents = executedEvents.concat(keptEvents);
                params.common.metrics.ponder_realtime_reorg_total.inc({ chain: chain.name });
                yield { type: "block", isReorg: true, events: keptEvents, chain, checkpoint };`,
  },
  {
    file: "runtime/multichain.js",
    find: `// Events must be run block-by-block, so that`,
    times: 1,
    replace: `if (event.isReorg) {
                        await dropTriggers(tx, { tables }, context);
                        await dropLiveQueryTriggers(tx, { namespaceBuild, tables }, context);
                        await revertMultichain(tx, { checkpoint: event.checkpoint, tables }, context);
                        await createTriggers(tx, { tables }, context);
                        await createLiveQueryTriggers(tx, { namespaceBuild, tables }, context);
                        // What was read so far is of the dropped branch.
                        indexingCache.clear();
                        indexingCache.qb = tx;
                        await indexingCache.prefetch({ events: event.events });
                    }
                    // Events must be run block-by-block, so that`,
  },
  {
    file: "runtime/multichain.js",
    find: `msg: "Indexed block",`,
    times: 1,
    replace: `msg: event.isReorg ? "Reorged block" : "Indexed block",`,
  },
  /*
   * The engine asks for the head at fixed intervals, also while it is busy with what it heard last,
   * and goes through the answers in their order. While nodes disagree it then follows, one after
   * the other, forks that nobody speaks of any more. So it asks again when it is done: the promise
   * is kept when the block is indexed, or found to be no next one.
   */
  {
    file: "rpc/index.js",
    find: `interval = setInterval(async () => {
                            try {
                                const block = await eth_getBlockByNumber(rpc, ["latest", true]);`,
    times: 1,
    replace: `let isBusy = false;
                        interval = setInterval(async () => {
                            if (isBusy) return;
                            isBusy = true;
                            try {
                                const block = await eth_getBlockByNumber(rpc, ["latest", true]);`,
  },
  {
    file: "rpc/index.js",
    find: `catch (error) {
                                onError(error);
                            }
                        }, chain.pollingInterval);`,
    times: 1,
    replace: `catch (error) {
                                onError(error);
                            }
                            finally {
                                isBusy = false;
                            }
                        }, chain.pollingInterval);`,
  },
];
