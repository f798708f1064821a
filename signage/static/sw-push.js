// Shows the notices that come: a part of sw.js, which takes it in.
addEventListener("push", (event) => {
  const { title, body, lang, tag, url } = event.data.json();
  event.waitUntil(registration.showNotification(title, { body, lang, tag, data: url }));
});

addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(clients.openWindow(event.notification.data));
});
