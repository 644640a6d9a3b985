// The confirmation dialog and the request behind it. The page only carries the order; the admin API decides, and its answer is shown as it is.
import { refresh } from './link.js';
import { forgeryKey } from './session.js';

const answerLimitMs = 20000;
const byId = (id) => document.getElementById(id);

let order = null;
let key = null;

export function start() {
  document.addEventListener('click', (event) => {
    const button = event.target.closest('button.order');
    if (button) open(button);
  });
  document.addEventListener('dr:live', notice);
  byId('order-cancel').addEventListener('click', () => byId('order').close());
  byId('order-form').addEventListener('submit', (event) => {
    event.preventDefault();
    send();
  });
  byId('order').addEventListener('close', () => {
    const button = order && byId(order.buttonId);
    order = null;
    (button ?? byId('live')).focus();
  });
}

function open(button) {
  order = { ...button.dataset, buttonId: button.id };
  key = newKey();
  byId('order-question').textContent = order.question;
  byId('order-consequences').replaceChildren(...order.consequences.split('\n').map((text) => item(text)));
  byId('order-attest-row').hidden = !order.attestation;
  byId('order-attest').checked = false;
  byId('order-attest').required = Boolean(order.attestation);
  byId('order-attestation').textContent = order.attestation ?? '';
  ask('duration', order.duration);
  byId('order-duration').value = order.duration ?? '';
  ask('statement', order.statement);
  byId('order-statement').value = '';
  byId('order-statement-label').textContent = order.statement ?? '';
  byId('order-send').textContent = order.label;
  byId('order-send').className = `primary tone-${order.tone}`;
  byId('order-send').disabled = false;
  byId('order-reason').value = '';
  const actor = byId('order-actor'); // Only there while nobody has to sign in.
  if (actor) actor.value = remembered();
  byId('order-problem').hidden = true;
  byId('order-changed').hidden = true;
  byId('order').showModal();
  (!actor || actor.value ? byId('order-reason') : actor).focus();
}

// The order keeps the epoch that the person saw; the API refuses it when that is old. Here they are told before they try.
function notice() {
  if (!order) return;
  const button = byId(order.buttonId);
  const changed = !button ? 'This order no longer applies: the state has changed while this was open. Close it and look again.'
    : (button.dataset.epoch ?? '') !== (order.epoch ?? '') ? 'Ownership has moved while this was open. Close it and look again.'
    : null;
  byId('order-changed').hidden = !changed;
  if (changed) byId('order-changed').textContent = changed;
}

async function send() {
  const actor = byId('order-actor')?.value.trim();
  const reason = byId('order-reason').value.trim();
  if (actor === '' || !reason) return;
  if (actor) remember(actor);
  const headers = { 'Content-Type': 'application/json', 'Idempotency-Key': key, ...forgeryKey() };
  if (order.epoch) headers['If-Match'] = order.epoch;
  const body = {
    ...(order.kind ? { system: order.system, kind: order.kind } : {}),
    actor,
    reason,
    ...(order.duration ? { for: byId('order-duration').value.trim() } : {}),
    ...(order.statement ? { statement: byId('order-statement').value.trim() } : {}),
  };
  byId('order-problem').hidden = true;
  byId('order-send').disabled = true;
  let response;
  let answer;
  try {
    response = await fetch(order.url, { method: 'POST', headers, body: JSON.stringify(body), signal: AbortSignal.timeout(answerLimitMs) });
    answer = await response.json().catch(() => null);
  } catch {
    // The same key goes with the next try, so that trying again is safe.
    problem({ title: 'No answer came, so it is not known whether this was started.', nextActions: ['Try again: the order carries a key and is carried out once only.', 'Or cancel and look whether a run shows up.'] });
    return;
  } finally {
    byId('order-send').disabled = false;
  }
  refresh();
  if (response.ok) {
    byId('order').close();
    return;
  }
  if (response.status === 401) location.assign('/sign-in');
  if (response.status < 500) key = newKey(); // It was refused and nothing runs: the next try is a new order.
  problem({ title: `The control plane answered ${response.status}.`, ...answer });
}

function ask(name, wanted) {
  byId(`order-${name}-row`).hidden = !wanted;
  byId(`order-${name}`).required = Boolean(wanted);
}

function problem({ title, detail, unmetGuards, evidence, nextActions }) {
  const box = byId('order-problem');
  const parts = [element('strong', title)];
  if (detail) parts.push(element('p', detail));
  if (unmetGuards?.length) parts.push(element('h3', 'What does not hold'), list(unmetGuards));
  const facts = Object.entries(evidence ?? {});
  if (facts.length) parts.push(element('h3', 'Evidence'), list(facts.map(([name, value]) => `${name}: ${typeof value === 'object' ? JSON.stringify(value) : value}`)));
  if (nextActions?.length) parts.push(element('h3', 'What to do next'), list(nextActions.map((next) => typeof next === 'string' ? next : JSON.stringify(next))));
  box.replaceChildren(...parts);
  box.hidden = false;
  box.scrollIntoView({ block: 'nearest' });
}

function element(name, text) {
  const made = document.createElement(name);
  made.textContent = text;
  return made;
}

function item(text) {
  return element('li', text);
}

function list(texts) {
  const made = document.createElement('ul');
  made.append(...texts.map(item));
  return made;
}

// crypto.randomUUID is missing on connections without TLS; this is not.
function newKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

function remembered() {
  try { return localStorage.getItem('dr.actor') ?? ''; } catch { return ''; }
}

function remember(actor) {
  try { localStorage.setItem('dr.actor', actor); } catch { /* Storage is off: it is typed again next time. */ }
}
