"""The keeper of the browser on a display's Pi: it needs neither hub nor broker nor network."""
