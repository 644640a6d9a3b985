// Times in the reader's zone and ages that count on. Ages are counted by the silo's clock: the reader's may be wrong.
let offsetMs = 0;

export function setServerNow(serverMs) {
  offsetMs = serverMs - Date.now();
}

export function serverNow() {
  return Date.now() + offsetMs;
}

const two = (number) => String(number).padStart(2, '0');
const pair = (large, largeUnit, small, smallUnit) => small === 0 ? `${large} ${largeUnit}` : `${large} ${largeUnit} ${small} ${smallUnit}`;

// The same rules as Words.cs.
export function span(seconds) {
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return pair(Math.floor(seconds / 60), 'min', seconds < 600 ? seconds % 60 : 0, 's');
  if (seconds < 86400) return pair(Math.floor(seconds / 3600), 'h', Math.floor(seconds % 3600 / 60), 'min');
  return pair(Math.floor(seconds / 86400), 'd', Math.floor(seconds % 86400 / 3600), 'h');
}

export function age(atMs, nowMs) {
  const seconds = Math.floor((nowMs - atMs) / 1000);
  if (seconds >= 1) return `${span(seconds)} ago`;
  return seconds < -1 ? `in ${span(-seconds)}` : 'now';
}

export function clock(atMs, nowMs) {
  const at = new Date(atMs);
  const time = `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
  return at.toDateString() === new Date(nowMs).toDateString() ? time : `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${time}`;
}

export function showTimes(root = document) {
  const now = serverNow();
  for (const element of root.querySelectorAll('time[data-show]')) {
    const at = Date.parse(element.dateTime);
    if (Number.isNaN(at)) continue;
    const text = element.dataset.show === 'clock' ? clock(at, now) : element.dataset.show === 'age' ? age(at, now) : span(Math.max(0, Math.floor((now - at) / 1000)));
    if (element.textContent !== text) element.textContent = text;
    const zone = new Date(at).toString().replace(/^.*?(GMT\S*).*$/, '$1');
    const title = `${clock(at, 0)} ${zone} · ${element.dateTime.slice(0, 19).replace('T', ' ')} UTC`;
    if (element.title !== title) element.title = title;
  }
}

export function timeElement(atMs, show) {
  const element = document.createElement('time');
  element.dateTime = new Date(atMs).toISOString();
  element.dataset.show = show;
  return element;
}
