/* One event stream for the page. It is open only while the page is seen, and comes back by itself, never in step with
   other browsers. */
const ADDRESS = "/live/";
const KINDS = ["public", "private", "snapshot", "beat", "end"];
const SILENCE = 60_000; // the server says something every 20 s
const SOONEST = 5_000;
const LATEST = 300_000;
const STEADY = 10_000; // a stream that held for so long was no failure
const LONG_AGO = 999_999; // seconds: the server answers with all there is

const isPrivate = (topic) => !/^(list|month|event):/.test(topic);

/* `hears(kind, data)` gets each frame, `ends(reason)` is told when the server wants no reader any more, `opens(isOpen)`
   when the stream opens and closes. */
export const openStream = ({ hears, ends, opens }) => {
  let topics = [];
  let source = null;
  let lastId = "";
  let isKept = performance.getEntriesByType("navigation")[0]?.type === "back_forward";
  let isWanted = true;
  let isOver = false;
  let openedAt = 0;
  let failures = 0;
  let retryTimer = 0;
  let silenceTimer = 0;

  const address = () => {
    const query = new URLSearchParams(topics.map((topic) => ["topic", topic]));
    const age = Math.ceil((Date.now() - performance.timeOrigin) / 1000);
    if (lastId) query.set("last", lastId);
    else query.set("age", isKept ? LONG_AGO : age);
    return `${ADDRESS}?${query}`;
  };

  const close = () => {
    window.clearTimeout(retryTimer);
    window.clearTimeout(silenceTimer);
    retryTimer = 0;
    if (source) source.close();
    source = null;
    opens(false);
  };

  const stop = (reason) => {
    isOver = true;
    close();
    ends(reason);
  };

  const retry = () => {
    if (openedAt && Date.now() - openedAt > STEADY) failures = 0;
    close();
    const longest = Math.min(SOONEST * 2 ** failures, LATEST);
    failures += 1;
    retryTimer = window.setTimeout(open, longest * (0.2 + 0.8 * Math.random()));
  };

  const listenOn = () => {
    window.clearTimeout(silenceTimer);
    silenceTimer = window.setTimeout(retry, SILENCE);
  };

  const hear = ({ type, data, lastEventId }) => {
    listenOn();
    if (lastEventId) lastId = lastEventId;
    const said = JSON.parse(data);
    if (type !== "end") hears(type, said);
    else if (said.reason === "restart") retry();
    else stop(said.reason);
  };

  /* An EventSource does not tell why it was refused. Who signed out while the page was hidden should know. */
  const askWhy = async () => {
    const answer = await fetch(address(), { headers: { Accept: "text/event-stream" } }).catch(() => null);
    answer?.body?.cancel();
    if (answer?.status === 401) stop("signed_out");
    if (answer?.status === 403) stop("forbidden");
  };

  const open = () => {
    close();
    openedAt = 0;
    const opened = new EventSource(address());
    source = opened;
    listenOn();
    for (const kind of KINDS) opened.addEventListener(kind, hear);
    opened.onopen = () => {
      openedAt = Date.now();
      opens(true);
    };
    opened.onerror = () => {
      const isRefused = !openedAt && opened.readyState === EventSource.CLOSED;
      const isFirst = !failures;
      retry();
      if (isRefused && isFirst && topics.some(isPrivate)) askWhy();
    };
  };

  const update = () => {
    const mayOpen = isWanted && !isOver && topics.length > 0 && document.visibilityState === "visible";
    if (!mayOpen) close();
    else if (!source && !retryTimer) open();
  };

  document.addEventListener("visibilitychange", update);
  window.addEventListener("pagehide", close);
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) {
      lastId = "";
      isKept = true;
    }
    update();
  });

  return {
    follow(wanted) {
      if (String(wanted) === String(topics)) return;
      topics = wanted;
      close();
      update();
    },
    want(wanted) {
      isWanted = wanted;
      update();
    },
  };
};
