// Whether the node answers: asked of the node, as a browser knows only of its line, and need not tell when that is back.
// While it is away it is asked every 7 to 14 s, and at once where the browser does tell; then `whenBack` is called.
"use strict";
window.nodeReach = (address, whenBack) => {
  const ASK_MS = 7_000;
  let asking = 0;
  const back = () => {
    if (!asking) return;
    window.clearInterval(asking);
    asking = 0;
    whenBack();
  };
  const away = () => { asking ||= window.setInterval(ask, ASK_MS * (1 + Math.random())); };
  const ask = async () => {
    const answer = await fetch(address, { method: "HEAD", cache: "no-store", signal: AbortSignal.timeout(ASK_MS) }).catch(() => null);
    if (answer?.ok) back();
    else away();
    return Boolean(answer?.ok);
  };
  window.addEventListener("online", ask);
  return { ask, away, back, isAway: () => asking > 0 };
};
