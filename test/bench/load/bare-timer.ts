// A process that does nothing but wait for moments, as backend/sniper/moment.ts does: what the machine itself makes late.
// `bare-timer.ts COUNT APART_MS` prints the lateness of each, ms, as a JSON array.
import process from 'node:process';
import { setTimeout as delay, setImmediate as turn } from 'node:timers/promises';

const TIMER_ERROR_MS = 3;
const [count = 0, apartMs = 0] = process.argv.slice(2).map(Number);
const exactMs = () => performance.timeOrigin + performance.now();
const late: number[] = [];
for (let i = 0; i < count; i++) {
  const moment = exactMs() + apartMs;
  await delay(apartMs - TIMER_ERROR_MS);
  while (exactMs() < moment) await turn();
  late.push(exactMs() - moment);
}
console.log(JSON.stringify(late));
