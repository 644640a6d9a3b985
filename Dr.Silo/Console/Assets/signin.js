// Signs in: the session comes back as a cookie that scripts cannot read.
const byId = (id) => document.getElementById(id);

byId('sign-in').addEventListener('submit', async (event) => {
  event.preventDefault();
  byId('problem').hidden = true;
  byId('send').disabled = true;
  try {
    const body = JSON.stringify({ name: byId('name').value.trim(), password: byId('password').value, session: true });
    const response = await fetch('/api/v1/sign-in', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body, signal: AbortSignal.timeout(20000) });
    if (response.ok) {
      location.replace('/');
      return;
    }
    const answer = await response.json().catch(() => null);
    show([answer?.title ?? `The control plane answered ${response.status}.`, ...(answer?.nextActions ?? [])]);
  } catch {
    show(['The control plane does not answer.', 'Try again.']);
  }
  byId('send').disabled = false;
  byId('password').select();
});

function show(sentences) {
  const box = byId('problem');
  box.replaceChildren(...sentences.map((text, at) => {
    const made = document.createElement(at === 0 ? 'strong' : 'p');
    made.textContent = text;
    return made;
  }));
  box.hidden = false;
}
