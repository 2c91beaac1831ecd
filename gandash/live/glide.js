// How a cloud of points gets from frame to frame: on the straight way, in the time between two arrivals. No page.

import { between } from "./points.js";

const LONGEST_TICK = 2000; // ms; anything longer was a pause, not a tick
const MOST_LEGS = 6;

export function glider() {
  let queue = []; // frames on the way, each with the moment at which it is due
  let from = null; // the frame, or the place, that the cloud comes from
  let interval = 250;
  let tickedAt = -Infinity;
  const cloud = { points: null, epoch: null, at: -1, arrived: null, seen: -1 };

  const arrive = (frame, now) => {
    Object.assign(cloud, { points: frame.points, epoch: frame.epoch, at: frame.at, arrived: frame.points });
    from = { points: frame.points, due: now };
  };

  // Take those of the frames `[{ epoch, at, points }]`, oldest first, that have not been seen; `jump` to the newest. The
  // last ones before a rest are on the way for so many ms, whatever is on it.
  cloud.take = (frames, now, jump, rest = 0) => {
    const fresh = frames.filter((frame) => frame.at > cloud.seen);
    if (!fresh.length) return false;
    const since = now - tickedAt;
    if (since < LONGEST_TICK && !rest) interval += 0.4 * (since - interval);
    tickedAt = now;
    cloud.seen = fresh.at(-1).at;
    if (jump || !cloud.points || since > LONGEST_TICK * 5) {
      queue = [];
      arrive(fresh.at(-1), now);
      return true;
    }
    // what has not been shown yet shares the time until the next tick with what has come
    const legs = rest ? fresh : [...queue, ...fresh].slice(-MOST_LEGS);
    from = { points: cloud.points, due: now };
    queue = legs.map((frame, i) => ({ ...frame, due: now + ((rest || interval) * (i + 1)) / legs.length }));
    return true;
  };

  // Get to a frame in so many ms, whatever is on the way; `jump` at once.
  cloud.hurry = (frame, now, jump, time) => {
    queue = [];
    if (jump || cloud.points?.x.length !== frame.points.x.length) return arrive(frame, now);
    from = { points: cloud.points, due: now };
    queue = [{ ...frame, due: now + time }];
  };

  // Move the cloud to where it is now.
  cloud.move = (now) => {
    let arrived = null;
    while (queue.length && queue[0].due <= now) arrived = queue.shift();
    if (arrived) arrive(arrived, arrived.due);
    else if (queue.length && from.points.x.length === queue[0].points.x.length)
      cloud.points = between(from.points, queue[0].points, (now - from.due) / (queue[0].due - from.due));
  };

  cloud.moving = () => queue.length > 0;
  return cloud;
}
