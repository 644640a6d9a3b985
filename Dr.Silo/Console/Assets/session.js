// The session of this page: its key goes with every change, so that a page of another origin cannot give orders with our cookie.
export function forgeryKey() {
  const key = document.querySelector('meta[name="dr-forgery-key"]')?.content;
  return key ? { 'Dr-Forgery-Key': key } : {};
}

export function startSession() {
  document.getElementById('sign-out')?.addEventListener('click', async () => {
    await fetch('/api/v1/sign-out', { method: 'POST', headers: forgeryKey() }).catch(() => null);
    location.assign('/sign-in');
  });
}
