"""One connection to a broker, in two makes: paho for devices, our own stream for the hub."""
