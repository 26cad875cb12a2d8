// Ends what the benchmark started when the benchmark itself ends without doing so: kill -9 leaves no other chance.
// Standard input is the lifeline: `+PID` and `-PID` lines as process groups come and go, and its end when we are alone.
import { createInterface } from 'node:readline';

const groups = new Set<number>();
for await (const line of createInterface({ input: process.stdin })) {
  const pid = Number(line.slice(1));
  if (line.startsWith('+')) groups.add(pid);
  else groups.delete(pid);
}
for (const pid of groups) {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // Already gone.
  }
}
