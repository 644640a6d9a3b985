import * as link from './link.js';
import * as orders from './orders.js';
import { startSession } from './session.js';

const themes = ['system', 'light', 'dark'];

function startTheme() {
  const button = document.getElementById('theme');
  const show = () => {
    const theme = document.documentElement.dataset.theme ?? 'system';
    button.querySelector('.theme-text').textContent = `Colours: ${theme}`;
    button.setAttribute('aria-label', `Colours: ${theme}. Change`);
  };
  button.addEventListener('click', () => {
    const next = themes[(themes.indexOf(document.documentElement.dataset.theme ?? 'system') + 1) % themes.length];
    if (next === 'system') delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = next;
    try { localStorage.setItem('dr.theme', next); } catch { /* Storage is off: the choice lasts as long as the page. */ }
    show();
  });
  button.hidden = false;
  show();
}

startTheme();
startSession();
link.start();
orders.start();
