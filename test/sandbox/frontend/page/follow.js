// Streams as a frontend follows them: over a WebSocket or server-sent events, coming back by themselves and reading on from the
// last message. Each keeps count of what it got, so that a person sees what a flip does.

const COME_BACK_MS = 500;

/** `missed`: numbers that were never seen; `repeated`: seen before; `gaps`: the server said that it had none of. */
const newCounts = () => ({ messages: 0, missed: 0, repeated: 0, gaps: 0, openings: 0, isOpen: false });

function createCounter(onNews) {
  const counts = newCounts();
  let last;
  return {
    counts,
    lastId: () => last?.id,
    take(message) {
      if (message.type === 'gap') counts.gaps += 1;
      if (message.seq === undefined) return;
      // Numbers begin anew with an epoch, which is the id without them.
      const epoch = message.id.slice(0, -String(message.seq).length);
      if (last && last.epoch === epoch) {
        if (message.seq <= last.seq) counts.repeated += 1;
        else counts.missed += message.seq - last.seq - 1;
      }
      if (last && last.epoch === epoch && message.seq <= last.seq) return;
      last = { epoch, seq: message.seq, id: message.id };
      counts.messages += 1;
      onNews(message);
    },
  };
}

/** Follows a channel of /ws/trading. */
export function followSocket(gateway, subscription, onNews) {
  const counter = createCounter(onNews);
  const { counts } = counter;
  let socket;
  let timer;
  let isLeft = false;
  const open = () => {
    socket = new WebSocket(`${gateway.replace(/^http/, 'ws')}/ws/trading`);
    socket.onopen = () => {
      counts.openings += 1;
      counts.isOpen = true;
      socket.send(JSON.stringify({ type: 'subscribe', ...subscription, after: counter.lastId() }));
    };
    socket.onmessage = ({ data }) => counter.take(JSON.parse(data));
    socket.onclose = () => {
      counts.isOpen = false;
      if (!isLeft) timer = setTimeout(open, COME_BACK_MS);
    };
  };
  open();
  return {
    counts,
    leave() {
      isLeft = true;
      clearTimeout(timer);
      socket.close();
    },
  };
}

/** Follows server-sent events. The browser comes back by itself, with the last message's id. */
export function followEvents(url, onNews) {
  const counter = createCounter(onNews);
  const { counts } = counter;
  const events = new EventSource(url);
  events.onopen = () => {
    counts.openings += 1;
    counts.isOpen = true;
  };
  events.onmessage = ({ data }) => counter.take(JSON.parse(data));
  events.onerror = () => {
    counts.isOpen = false;
  };
  return { counts, leave: () => events.close() };
}
