// What this browser keeps for its reader. It may be forbidden, full, or hold what another version wrote.

const isAlike = (fallback) => (value) => typeof value === typeof fallback;

// What was kept under a key, where it `isFit`; else the fallback.
export function read(key, fallback, isFit = isAlike(fallback)) {
  try {
    const value = JSON.parse(localStorage.getItem(key));
    return value !== null && isFit(value) ? value : fallback;
  } catch {
    return fallback;
  }
}

// Keeps a value, or nothing any more where it is undefined.
export function write(key, value) {
  try {
    if (value === undefined) localStorage.removeItem(key);
    else localStorage.setItem(key, JSON.stringify(value));
  } catch {
    // It holds for this page alone.
  }
}

export const isListOfTexts = (value) => Array.isArray(value) && value.every((each) => typeof each === "string");
