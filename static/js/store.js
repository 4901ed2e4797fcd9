// What a reload must not lose: the draft, its picture, and the submit that is on its way. Per user and tab.

const DAY = 86_400_000; // milliseconds
const owner = document.getElementById("studio").dataset.user;
const memory = new Map(); // where the browser keeps nothing for us

export function get(name) {
  try {
    return JSON.parse(sessionStorage.getItem(`studio:${owner}:${name}`)) ?? null;
  } catch {
    return memory.get(name) ?? null;
  }
}

export function set(name, value) {
  memory.set(name, value);
  try {
    sessionStorage.setItem(`studio:${owner}:${name}`, JSON.stringify(value));
  } catch {
    // full, or not allowed: then a reload loses it
  }
}

export function remove(name) {
  memory.delete(name);
  try {
    sessionStorage.removeItem(`studio:${owner}:${name}`);
  } catch {
    // not allowed: nothing was kept
  }
}

// Pictures are too large for the session's store. They lie in a database of the browser, found by this tab's id.
function tab() {
  const known = get("tab") ?? `${owner}:${Date.now()}:${Math.random().toString(36).slice(2)}`;
  set("tab", known);
  return known;
}

export async function getPicture() {
  const kept = await pictures("readonly", (store) => store.get(tab())).catch(() => null);
  if (!kept) return null;
  return new File([kept.bytes], kept.name, { type: kept.type, lastModified: kept.lastModified });
}

export async function setPicture(file) {
  const { name, type, lastModified } = file;
  const kept = { bytes: file, name, type, lastModified, at: Date.now() };
  await pictures("readwrite", (store) => store.put(kept, tab())).catch(() => {});
}

export async function removePicture() {
  await pictures("readwrite", (store) => store.delete(tab())).catch(() => {});
}

// Remove what tabs left behind that were closed a day ago or longer.
export async function removeOldPictures() {
  await pictures("readwrite", (store) => {
    const cursor = store.openCursor();
    cursor.onsuccess = () => {
      if (!cursor.result) return;
      if (cursor.result.value.at < Date.now() - DAY) cursor.result.delete();
      cursor.result.continue();
    };
    return cursor;
  }).catch(() => {});
}

async function pictures(mode, ask) {
  const database = await open();
  try {
    return await new Promise((done, failed) => {
      const transaction = database.transaction("pictures", mode);
      const asked = ask(transaction.objectStore("pictures"));
      transaction.oncomplete = () => done(asked.result);
      transaction.onerror = transaction.onabort = () => failed(transaction.error);
    });
  } finally {
    database.close();
  }
}

function open() {
  return new Promise((done, failed) => {
    const asked = indexedDB.open("studio", 1);
    asked.onupgradeneeded = () => asked.result.createObjectStore("pictures");
    asked.onsuccess = () => done(asked.result);
    asked.onerror = asked.onblocked = () => failed(asked.error);
  });
}
