// Runs before the first paint: a chosen theme must not flash. Without a choice the system's applies.
(() => {
  let theme = null;
  try { theme = localStorage.getItem('dr.theme'); } catch { /* Storage is off: the system's theme it is. */ }
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
})();
