"""Publishes as Frigate does: its will, `available`, and counts only when they change, not retained.

    python frigate_like.py HOST PORT

Counts of the zone `lobby` come by standard input, a line each. Killed, it says nothing more.
Source: https://docs.frigate.video/integrations/mqtt/
"""

import sys

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion


def main(host: str, port: int) -> None:
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id="frigate")
    client.will_set("frigate/available", "offline", qos=1, retain=True)
    client.connect(host, port, keepalive=60)
    client.loop_start()
    client.publish("frigate/available", "online", qos=1, retain=True).wait_for_publish()
    for line in sys.stdin:
        client.publish("frigate/lobby/person", line.strip(), qos=0).wait_for_publish()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
