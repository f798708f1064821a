"""An office's certificate authority: a folder on the machine from which the playbooks are run."""
