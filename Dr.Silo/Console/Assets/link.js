// Keeps the page true: fetches the live part at the pace that the server asks for, and at once when the event stream says that something happened.
// The stream is only a hint. What counts as being connected is the last fetch that succeeded.
import { morph } from './morph.js';
import { clock, serverNow, setServerNow, showTimes, timeElement } from './times.js';

const fetchLimitMs = 8000;
const retryMs = 2000;
const hiddenPaceMs = 20000;
const hintDelayMs = 80;
const streamRetryMs = 5000;
const backAgainMs = 8000;

let timer = 0;
let fetching = false;
let again = false;
let lostAt = null;
let lastGoodMs = 0;
let stream = null;
let streamTimer = 0;

const live = () => document.getElementById('live');

export function start() {
  setServerNow(Number(live().dataset.now));
  lastGoodMs = serverNow();
  succeeded();
  showTimes();
  setInterval(() => showTimes(), 1000);
  document.addEventListener('visibilitychange', () => {
    if (document.hidden) {
      closeStream(); // Browsers allow six connections to one server: tabs in the background must not use them up.
      schedule(hiddenPaceMs);
    } else {
      openStream();
      refresh();
    }
  });
  window.addEventListener('online', () => refresh());
  openStream();
  schedule(pace());
}

export async function refresh() {
  if (fetching) {
    again = true;
    return;
  }
  fetching = true;
  clearTimeout(timer);
  let text = null;
  try {
    const response = await fetch('/console/live', { cache: 'no-store', signal: AbortSignal.timeout(fetchLimitMs) });
    if (response.ok) text = await response.text();
    if (response.status === 401) location.assign('/sign-in'); // The session has ended.
  } catch {
    text = null; // Not reached, or not in time; failed() says so on the page.
  }
  fetching = false;
  if (text !== null && apply(text)) succeeded();
  else failed();
  if (again) {
    again = false;
    schedule(hintDelayMs);
  } else {
    schedule(lostAt !== null ? retryMs : pace());
  }
}

function apply(text) {
  const wanted = new DOMParser().parseFromString(text, 'text/html').getElementById('live');
  if (!wanted) return false;
  if (wanted.dataset.build !== live().dataset.build && !document.querySelector('dialog[open]')) {
    location.reload(); // The silo was replaced by another version: this script may not fit its pages.
    return true;
  }
  setServerNow(Number(wanted.dataset.now));
  morph(live(), wanted);
  showTimes();
  document.dispatchEvent(new CustomEvent('dr:live'));
  return true;
}

function pace() {
  return document.hidden ? hiddenPaceMs : Number(live().dataset.pace) || 2000;
}

function schedule(delayMs) {
  clearTimeout(timer);
  timer = setTimeout(refresh, delayMs);
}

function succeeded() {
  const now = serverNow();
  const gap = lostAt === null ? 0 : now - lostAt;
  lastGoodMs = now;
  document.title = live().dataset.title;
  if (lostAt !== null) {
    lostAt = null;
    document.body.classList.remove('stale');
    const lost = document.getElementById('lost');
    lost.hidden = true;
    lost.replaceChildren();
    indicate('good', `Connected again after ${Math.round(gap / 1000)} s`);
    setTimeout(() => { if (lostAt === null) indicate('good', 'Live'); }, backAgainMs);
    openStream();
  } else if (!document.getElementById('connection').dataset.state) {
    indicate('good', 'Live');
  }
}

function failed() {
  if (lostAt !== null) return;
  lostAt = lastGoodMs;
  document.body.classList.add('stale');
  document.title = '✕ Connection lost – Dr';
  indicate('bad', 'Connection lost');
  const lost = document.getElementById('lost');
  const when = timeElement(lostAt, 'clock');
  when.textContent = clock(lostAt, serverNow());
  const counted = document.createElement('span');
  counted.setAttribute('aria-live', 'off'); // Said once, not every second.
  counted.append(' (', timeElement(lostAt, 'age'), ')');
  const advice = document.createElement('span');
  advice.textContent = ' What you see below is from then. This page tries again by itself.';
  const strong = document.createElement('strong');
  strong.append('Connection to the control plane lost since ', when, counted, '.');
  lost.replaceChildren(strong, advice);
  lost.hidden = false;
  showTimes(lost);
}

function indicate(tone, text) {
  const connection = document.getElementById('connection');
  connection.dataset.state = tone;
  connection.querySelector('use').setAttribute('href', `#i-${tone}`);
  connection.querySelector('svg').setAttribute('class', `icon tone-${tone}`);
  connection.querySelector('.connection-text').textContent = text;
}

function openStream() {
  if (document.hidden || (stream && stream.readyState !== EventSource.CLOSED)) return;
  clearTimeout(streamTimer);
  stream = new EventSource('/api/v1/events');
  stream.onmessage = () => { if (fetching) again = true; else schedule(hintDelayMs); };
  stream.onerror = () => {
    // A broken connection is opened again by the browser; a refusal is final, so it is asked for anew. The steady pace goes on either way.
    if (stream && stream.readyState === EventSource.CLOSED) {
      clearTimeout(streamTimer);
      streamTimer = setTimeout(openStream, streamRetryMs);
    }
  };
}

function closeStream() {
  clearTimeout(streamTimer);
  if (stream) stream.close();
  stream = null;
}
