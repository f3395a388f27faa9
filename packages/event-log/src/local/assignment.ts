/** Spreads the partitions of one topic over members: evenly, and moving as few as possible. */

/** `current[p]` is the member that has partition `p` now, or null. Returns the member of each partition; null when there are no members. */
export function assign<Member>(members: readonly Member[], current: readonly (Member | null)[]): (Member | null)[] {
  if (members.length === 0) return current.map(() => null);
  const share = Math.floor(current.length / members.length);
  const held = (member: Member): number => current.filter((owner) => owner === member).length;
  // Those who have most now get the partitions that do not divide evenly: fewer moves.
  const byHeld = [...members].toSorted((a, b) => held(b) - held(a));
  const room = new Map(byHeld.map((member, index) => [member, share + (index < current.length % members.length ? 1 : 0)]));
  const take = (member: Member): boolean => {
    const left = room.get(member) ?? 0;
    if (left > 0) room.set(member, left - 1);
    return left > 0;
  };
  const kept = current.map((owner) => (owner !== null && take(owner) ? owner : null));
  return kept.map((owner) => owner ?? byHeld.find(take) ?? null);
}
