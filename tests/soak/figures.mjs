// What a program holds while it runs, and how that changes: resident memory, descriptors and threads of a process from Linux' /proc.
import { readFileSync, readdirSync } from 'node:fs';

export function held(pid) {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const number = (name) => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)[1]);
  return { seconds: performance.now() / 1000, mib: number('VmRSS') / 1024, threads: number('Threads'), descriptors: readdirSync(`/proc/${pid}/fd`).length };
}

const median = (values) => {
  const sorted = [...values].sort((a, b) => a - b), half = sorted.length >> 1;
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
};

// Theil and Sen: the median of the slopes between all pairs of samples. A single peak, as of a flush, does not move it. Per hour.
export function slopePerHour(samples, of) {
  const slopes = [];
  for (let i = 0; i < samples.length; ++i)
    for (let j = i + 1; j < samples.length; ++j) slopes.push((of(samples[j]) - of(samples[i])) / (samples[j].seconds - samples[i].seconds));
  return slopes.length ? median(slopes) * 3600 : 0;
}

export const medianOf = (samples, of) => median(samples.map(of));

// The program itself: a leak of 10 MiB an hour is seen under noise and a peak, and steady noise is no leak.
export function selfTest() {
  const noise = (i) => Math.sin(i * 12.9898) * 0.5;
  const series = (perHour) => Array.from({ length: 180 }, (_, i) => ({ seconds: i * 10, mib: 60 + perHour * i / 360 + noise(i) + (i === 90 ? 25 : 0) }));
  const leak = slopePerHour(series(10), (s) => s.mib), none = slopePerHour(series(0), (s) => s.mib);
  if (Math.abs(leak - 10) > 1 || Math.abs(none) > 1) throw new Error(`the slopes of known series come out as ${leak} and ${none}`);
}
