// Bookmarks of this browser, and entries of a form that a login came between. Pages work without it.
(() => {
  'use strict';
  const base = document.body.dataset.base;
  const read = (store, key) => { try { return JSON.parse(store.getItem(key)); } catch { return null; } };
  const write = (store, key, value) => { try { store.setItem(key, JSON.stringify(value)); } catch { /* no room, or not allowed: nothing is kept */ } };
  const make = (name, text, className) => { const e = document.createElement(name); e.textContent = text; if (className) e.className = className; return e; };

  // As DSF keeps them (dsf-fhir-server 7): type -> addresses below the endpoint's.
  const box = document.querySelector('.bookmarks');
  const addressHere = () => {
    const query = new URLSearchParams(location.search);
    query.delete('lang');
    const text = query.toString();
    return location.pathname.slice(base.length + 1) + (text ? '?' + text : '');
  };
  const typeOf = (address) => address.split(/[/?]/)[0];
  const bookmarks = () => {
    const stored = read(localStorage, 'bookmarks');
    const kept = {};
    if (stored && typeof stored === 'object')
      for (const [type, list] of Object.entries(stored)) if (Array.isArray(list)) kept[type] = list.filter((a) => typeof a === 'string');
    return kept;
  };
  const draw = () => {
    const all = bookmarks(), here = addressHere(), type = typeOf(here);
    const inside = box.querySelector('div');
    inside.replaceChildren();
    const list = make('ul', '');
    for (const address of Object.values(all).flat().sort()) {
      const link = make('a', decodeURIComponent(address.replace(/%(?![0-9a-f]{2})/gi, '%25')));
      link.href = base + '/' + address;
      const item = make('li', '');
      item.append(link);
      list.append(item);
    }
    inside.append(list.children.length ? list : make('p', box.dataset.none, 'quiet'));
    if (!type) return;
    const has = (all[type] || []).includes(here);
    const button = make('button', has ? box.dataset.remove : box.dataset.add, 'plain');
    button.type = 'button';
    button.addEventListener('click', () => {
      const now = bookmarks();
      now[type] = (now[type] || []).filter((a) => a !== here);
      if (!has) now[type].push(here);
      if (!now[type].length) delete now[type];
      write(localStorage, 'bookmarks', now);
      draw();
      inside.querySelector('button').focus();
    });
    inside.append(button);
  };
  if (box) draw();

  // A login between filling in and sending: what was entered comes back with the page.
  const form = document.querySelector('form[method=post]');
  const key = 'form ' + location.pathname;
  if (!form && !document.querySelector('.advice') && /\/(Task|QuestionnaireResponse)\/[^/]+$/.test(location.pathname))
    for (const old of Object.keys(sessionStorage)) if (old.startsWith('form ')) sessionStorage.removeItem(old);
  if (form) {
    const sent = read(sessionStorage, key);
    sessionStorage.removeItem(key);
    if (Array.isArray(sent) && !document.querySelector('.problems'))
      for (const [name, value] of sent) {
        const field = form.elements.namedItem(name);
        if (field && field.type !== 'hidden' && field.type !== 'submit' && 'value' in field) field.value = value;
      }
    form.addEventListener('submit', () => {
      const entries = [...new FormData(form)].filter(([name]) => name !== 'token' && name !== 'version');
      write(sessionStorage, key, entries);
    });
  }
})();
