/** Ascending sequences as [first, count] pairs: a backlog of any size is a few numbers. */
export type SequenceRanges = [first: number, count: number][];

export function toRanges(ascending: Iterable<number>): SequenceRanges {
  const ranges: SequenceRanges = [];
  for (const sequence of ascending) {
    const last = ranges.at(-1);
    if (last !== undefined && last[0] + last[1] === sequence) last[1]++;
    else ranges.push([sequence, 1]);
  }
  return ranges;
}

export function* fromRanges(ranges: SequenceRanges): Iterable<number> {
  for (const [first, count] of ranges) for (let i = 0; i < count; i++) yield first + i;
}
