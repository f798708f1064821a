// Web Push for one ticket: asks the browser, and hands what it gives to the office. Without it there is mail.
const form = document.getElementById("notify");
const button = document.getElementById("notify-push");
const { root } = document.documentElement.dataset;

async function ask({ lang, denied }) {
  if ((await Notification.requestPermission()) !== "granted") return denied;
  const { key } = await (await fetch(`${root}/notify/key`)).json();
  await navigator.serviceWorker.register(`${root}/sw.js`, { updateViaCache: "none" });
  const { pushManager } = await navigator.serviceWorker.ready;
  const subscription = await pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key });
  const { number, service, minutes } = Object.fromEntries(new FormData(form));
  const body = JSON.stringify({ subscription, number, service, minutes, lang });
  const answer = await fetch(`${root}/notify/push?lang=${lang}`, { method: "POST", body });
  return (await answer.json()).text;
}

if ("PushManager" in window) {
  button.hidden = false;
  button.onclick = async () => {
    const said = document.getElementById("notify-said");
    button.disabled = true;
    said.textContent = await ask(form.dataset).catch(() => form.dataset.failed);
    said.focus();
    button.disabled = false;
  };
}
